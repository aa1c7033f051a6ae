# NP_IVER exactly 30 minutes before the porting time is in time (T10); a second later it is not.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
at Mon 09:30
TELIA sends NP_IVER in A -> 201 scheduled
at Mon 09:30:01
TELIA sends NP_IVER in B -> 409 porting-time-too-early T10 earliest 10:00:01, porting_time 10:00
# It may still be changed to a later time.
TELIA sends NP_ENDR in B to 12:00 -> 201 awaiting_donor
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
LYSE sends NP_FIVE in B saying "unknown number" -> 201 scheduled
TELIA's inbox: NP_GODK, NP_GODK, NP_GODK, NP_FIVE
