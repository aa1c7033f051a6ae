# What waits too long is listed, and refuses nothing; the day in figures (contract 7, 8, reports).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 14:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 99999999 from TELENOR at 14:00 -> 409 number-unknown
at Mon 10:00
overdue: nothing
at Mon 10:00:01
overdue: NP_GODK by TELENOR
TELENOR sends NP_GODK -> 201 awaiting_recipient
overdue: nothing
TELIA sends NP_IVER -> 201 scheduled
the administrator waives everybody in A but LYSE
at Mon 16:00
overdue: nothing
at Tue 08:00:01
overdue: NP_FERD by LYSE
LYSE sends NP_FERD -> 201 completed
overdue: nothing
figures of Mon 2026-11-23: NP_BEST 1, NP_GODK 1, opened 1, executed 1, completed 0, numbers_moved 1, number-unknown 1
figures of Tue 2026-11-24: NP_FERD 1, completed 1, numbers_moved 0
