# The holder reminds a range holder that does not take its numbers back, and MT those who do not report a five-digit number.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
TELIA sends NP_OPPS for 90012345 at 12:00 as A -> 201 awaiting_termination
TELENOR's inbox: NP_BEST, NP_IVER, NP_OPPS
# Before its time there is nothing to return.
TELIA reminds in A -> 409 case-state state awaiting_termination, kind termination
at Mon 12:00
TELENOR reminds in A -> 409 role-not-permitted by TELIA
TELIA reminds in A -> 202 TELENOR
TELENOR's inbox: NOTICE reminder
at Mon 12:30
TELIA reminds in A -> 409 reminded-recently earliest 13:00
TELENOR sends NP_TILB in A -> 201 returned
TELIA reminds in A -> 409 case-state state returned
history in A: NP_OPPS to awaiting_termination, time to awaiting_return, NP_TILB to returned

TELIA sends 5_IVER for 02800 from 0 at 14:00 leading to 22000001 for the right holder 974760673 as B -> 201 scheduled
LYSE's inbox: NP_IVER, NP_TILB, 5_IVER
COM4's inbox: NP_IVER, NP_TILB, 5_IVER
at Mon 14:00
# Who has reported is left in peace.
COM4 sends 5_FERD in B -> 201 awaiting_completion
TELIA reminds in B -> 202 BANENOR, DSB, GLOBCON, IRISTEL, LYSE, NEXTGEN, TELENOR, TLINX, UNIFON
LYSE's inbox: NOTICE reminder
COM4's inbox: nothing
everybody else sends 5_FERD in B -> 201 completed
TELIA reminds in B -> 409 case-state state completed, kind five_digit
