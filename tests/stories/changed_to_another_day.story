# Another day takes room there first, and gives back what it had.
at Mon 2026-11-23 08:00
limit TELIA on Tue 2026-11-24 is 1
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
cap TELIA on Mon 2026-11-23: used 2, free 14998
TELIA sends NP_ENDR in A to Tue 10:00 -> 201 awaiting_donor
cap TELIA on Mon 2026-11-23: used 1, free 14999
cap TELIA on Tue 2026-11-24: used 1, free 0
TELIA sends NP_ENDR in B to Tue 10:00 -> 409 daily-cap-exceeded limit 1, used 1, requested 1, next_day_with_room 2026-11-25
cap TELIA on Mon 2026-11-23: used 1, free 14999
# Within the full day nothing is taken, so nothing is refused.
TELIA sends NP_ENDR in A to Tue 12:00 -> 201 awaiting_donor
TELIA sends NP_ENDR in A to Mon 10:00 -> 201 awaiting_donor
cap TELIA on Tue 2026-11-24: used 0, free 1
TELIA sends NP_ENDR in B to Tue 10:00 -> 201 awaiting_donor
