# The next day with room is named as far as T11 reaches; beyond there is none (contract 6, daily-cap-exceeded).
at Mon 2026-11-23 08:00
limit TELIA on Tue 2027-02-16 is 0
limit TELIA on Wed 2027-02-17 is 0
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 2027-02-16 12:00 -> 409 daily-cap-exceeded day 2027-02-16, limit 0, used 0, requested 1, next_day_with_room none
limit TELIA on Wed 2027-02-17 is 1
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 2027-02-16 12:00 -> 409 daily-cap-exceeded next_day_with_room 2027-02-17
TELIA sends NP_BEST for 90012345, 90012346 from TELENOR at Tue 2027-02-16 12:00 -> 409 daily-cap-exceeded requested 2, next_day_with_room none
