# A ported number that nobody uses any more goes home: NP_OPPS, the termination time, NP_TILB (contract 2, 3, 7; S3 2.8).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 11:00
everybody else sends NP_FERD -> 201 completed
TELENOR's inbox: NP_BEST, NP_IVER, NOTICE completed
LYSE's inbox: NP_IVER
TELIA sends NP_OPPS for 90012345 at Tue 10:00 as A -> 201 awaiting_termination
the case has kind termination, recipient none, donor TELIA, range_holder TELENOR, termination_time Tue 10:00
TELENOR's inbox: NP_OPPS
LYSE's inbox: nothing
LYSE does not see the case
# It is TELENOR that gets the numbers, so it is TELENOR's room.
cap TELENOR on Tue 2026-11-24: used 1, free 14999
next: NP_ANNU by TELIA until Tue 09:30, NP_FOPS by TELENOR before Tue 10:00, NP_TILB by TELENOR from Tue 10:00
at Tue 09:59:59
TELENOR sends NP_TILB -> 409 too-early-to-return T16 earliest 10:00
at Tue 10:00
the case is awaiting_return
routing 90012345 is TELIA
next: NP_TILB by TELENOR
TELIA sends NP_TILB -> 409 role-not-permitted
# Nothing ends the waiting, and the number stays taken.
at Mon 2026-11-30 12:00
the case is awaiting_return
overdue: NP_TILB by TELENOR
LYSE sends NP_BEST for 90012345 from TELIA at Tue 10:00 -> 409 number-in-open-case until none, numbers 90012345
TELENOR sends NP_TILB -> 201 returned
TELENOR sends NP_TILB -> 409 case-state state returned, kind termination
# Routing changes when NP_TILB is accepted, and everybody is told.
routing 90012345 is not ported
routing 90012345 is TELENOR in TELENOR
routing 90012345 is TELIA at Mon 2026-11-30 11:59:59
LYSE's inbox: NP_TILB
TELIA's inbox: NP_GODK, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NP_FERD, NOTICE completed, NP_TILB
TELENOR's inbox: nothing
LYSE sees the case
# Room is never given back by what was carried out.
cap TELENOR on Tue 2026-11-24: used 1, free 14999
history: NP_OPPS by TELIA to awaiting_termination, time by NRDB at Tue 2026-11-24 10:00 to awaiting_return, NP_TILB by TELENOR to returned
LYSE sends NP_BEST for 90012345 from TELENOR at Tue 10:00 -> 201 awaiting_donor
