# 35 working minutes from 15:25:00 end at 16:00:00 the same day; from 15:25:01 they end on the next.
at Mon 2026-11-23 15:25
TELIA sends NP_BEST for 90012345 from TELENOR at 15:59:59 -> 409 porting-time-too-early T9 earliest 16:00
TELIA sends NP_BEST for 90012345 from TELENOR at 16:00 -> 201 awaiting_donor
at Mon 15:25:01
TELIA sends NP_BEST for 90012346 from TELENOR at 16:00:01 -> 409 porting-time-too-early T9 earliest Tue 08:00:01
TELIA sends NP_BEST for 90012346 from TELENOR at Tue 08:00:01 -> 201 awaiting_donor
