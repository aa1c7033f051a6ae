# 35 working minutes from Friday 15:50 end on Monday at 08:25. The porting time itself may be any hour of any day.
at Fri 2026-11-20 15:50
TELIA sends NP_BEST for 90012345 from TELENOR at Mon 08:24:59 -> 409 porting-time-too-early T9 earliest Mon 08:25
TELIA sends NP_BEST for 90012345 from TELENOR at Sat 12:00 -> 409 porting-time-too-early T9 earliest Mon 08:25
TELIA sends NP_BEST for 90012345 from TELENOR at Mon 08:25 -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at Sun 2026-11-29 03:00 -> 201 awaiting_donor
at Sat 2026-11-21 12:00
TELIA sends NP_BEST for 90012347 from TELENOR at Mon 08:34 -> 409 porting-time-too-early T9 earliest Mon 08:35
# The cancel and the execution run in plain minutes, at night and on Sundays too.
at Sun 2026-11-22 23:00
TELENOR sends NP_GODK -> 201 awaiting_recipient
at Sun 2026-11-29 02:30
TELIA sends NP_IVER -> 201 scheduled
TELIA sends NP_ANNU -> 201 cancelled
