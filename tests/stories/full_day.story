# The cap counts numbers, not cases. What is cancelled or comes to nothing gives its room back.
at Mon 2026-11-23 08:00
limit TELIA on Mon 2026-11-23 is 3
TELIA sends NP_BEST for 90012345, 90012346 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012347, 90012348 from TELENOR at 12:00 -> 409 daily-cap-exceeded code TELIA, day 2026-11-23, limit 3, used 2, requested 2, next_day_with_room 2026-11-24
TELIA sends NP_BEST for 90012347 from TELENOR at 12:00 as B -> 201 awaiting_donor
cap TELIA on Mon 2026-11-23: used 3, free 0
# The cap is each provider's own.
LYSE sends NP_BEST for 90012350 from TELENOR at 12:00 -> 201 awaiting_donor
TELIA sends NP_ANNU in A -> 201 cancelled
cap TELIA on Mon 2026-11-23: used 1, free 2
TELIA sends NP_BEST for 90012348, 90012349 from TELENOR at 14:00 as C -> 201 awaiting_donor
at Mon 12:00
# B has come to nothing: its room is there at once.
cap TELIA on Mon 2026-11-23: used 2, free 1
TELIA sends NP_BEST for 90012351 from TELENOR at 15:00 as D -> 201 awaiting_donor
TELENOR sends NP_GODK in D -> 201 awaiting_recipient
TELENOR sends NP_FBES in C because number-not-held -> 201 rejected
cap TELIA on Mon 2026-11-23: used 1, free 2
# A limit below what is used cancels nothing, and nothing is free.
limit TELIA on Mon 2026-11-23 is 0
cap TELIA on Mon 2026-11-23: used 1, free 0
TELIA sends NP_IVER in D -> 201 scheduled
