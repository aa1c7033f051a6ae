# A range holder that never says NP_TILB: the administrator ends the waiting, and the number is home (contract 8, waive).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
TELIA sends NP_OPPS for 90012345 at 12:00 as A -> 201 awaiting_termination
the administrator waives TELENOR -> 409 case-state state awaiting_termination
LYSE's inbox: NP_IVER
at Mon 12:00
the administrator waives TELIA -> 422 invalid-message
the administrator waives TELENOR -> 200 returned
routing 90012345 is not ported
routing 90012345 is TELENOR in TELENOR
routing 90012345 is TELIA at 11:59:59
LYSE sees the case
LYSE's inbox: NOTICE returned
TELENOR's inbox: NP_BEST, NP_IVER, NP_OPPS, NOTICE returned
history: NP_OPPS to awaiting_termination, time to awaiting_return, waive to returned
audit log: waived
