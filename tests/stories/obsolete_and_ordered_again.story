# Without NP_IVER the case is obsolete at its porting time, and the numbers are free at that very instant.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
at Mon 09:59:59.999999
LYSE sends NP_BEST for 90012345 from TELENOR at 12:00 -> 409 number-in-open-case until 10:00, numbers 90012345, count 1
cap TELIA on Mon 2026-11-23: used 1, free 14999
TELIA's inbox: NP_GODK
at Mon 10:00
the case in A is obsolete
cap TELIA on Mon 2026-11-23: used 0, free 15000
LYSE sends NP_BEST for 90012345 from TELENOR at 12:00 as B -> 201 awaiting_donor
TELIA's inbox: NOTICE obsolete
TELENOR's inbox: NP_BEST, NOTICE obsolete, NP_BEST
the case in A is obsolete
the case in B is awaiting_donor
