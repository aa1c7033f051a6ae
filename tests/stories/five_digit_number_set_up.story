# A five-digit number is set up for an organisation: order and execution in one (contract 2, 3; S1, S3 2.7.1).
at Mon 2026-11-23 08:00
routing 02800 is 0
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 as A -> 201 scheduled
the case has kind five_digit, recipient TELIA, donor 0, range_holder 0, target_number 22000001, network TELIA
LYSE's inbox: 5_IVER
LYSE's newest 5_IVER hides right_holder
LYSE's newest 5_IVER shows target_number
CHILI's inbox: nothing
CHILI does not see the case
the case expects BANENOR, COM4, DSB, GLOBCON, IRISTEL, LYSE, NEXTGEN, TELENOR, TLINX, UNIFON
cap TELIA on Mon 2026-11-23: used 1, free 14999
routing 02800 becomes TELIA at 10:00
the right of use of 02800 is 974760673's, as TELIA sees it
the right of use of 02800 is 974760673's, as OPERATOR sees it
LYSE sees no right of use of 02800
LYSE sends NP_FIVE saying "no route to 22000001" -> 201 scheduled
TELIA's inbox: NP_FIVE
LYSE sends 5_FERD -> 409 too-early-to-complete T15 earliest 10:00
at Mon 10:00
the case is awaiting_completion
routing 02800 is TELIA in TELIA leading to 22000001
LYSE sends NP_FIVE saying "no route" -> 409 porting-time-passed
LYSE sends 5_FERD -> 201 awaiting_completion
LYSE sends 5_FERD -> 409 already-sent
LYSE sends NP_FERD -> 409 case-state kind five_digit, state awaiting_completion
TELIA sends 5_FERD -> 409 role-not-permitted
everybody else sends 5_FERD -> 201 completed
history: 5_IVER by TELIA to scheduled, NP_FIVE to scheduled, time at 10:00 to awaiting_completion, 5_FERD by LYSE, 5_FERD, 5_FERD, 5_FERD, 5_FERD, 5_FERD, 5_FERD, 5_FERD, 5_FERD, 5_FERD to completed
