# Terminations take the range holder's room, the same as portings to it (contract 7, cap; our reading of S3 2.3.1).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
limit TELENOR on Mon 2026-11-23 is 2
TELENOR sends NP_BEST for 40000001 from TELIA at 12:00 as A -> 201 awaiting_donor
TELIA sends NP_OPPS for 90012345, 90012346 at 12:00 -> 409 daily-cap-exceeded code TELENOR, limit 2, used 1, requested 2, next_day_with_room 2026-11-24
TELIA sends NP_OPPS for 90012345 at 12:00 as B -> 201 awaiting_termination
TELENOR sends NP_BEST for 40000002 from TELIA at 12:00 -> 409 daily-cap-exceeded code TELENOR, used 2
TELIA sends NP_ANNU in B -> 201 cancelled
TELIA sends NP_OPPS for 90012346 at 12:00 as C -> 201 awaiting_termination
at Mon 12:00
TELENOR sends NP_TILB in C -> 201 returned
# The porting has come to nothing, the termination has not.
cap TELENOR on Mon 2026-11-23: used 1, free 1
