# From Telenor to Telia, on to Lyse, and home again. The donor is whoever serves the number.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
TELENOR's inbox: NP_BEST, NP_IVER
at Mon 10:00
# The first case waits for the networks; it blocks nothing.
the case in A is awaiting_completion
LYSE sends NP_BEST for 90012345 from TELENOR at Tue 10:00 -> 409 donor-not-holder donor TELENOR, numbers 90012345
TELIA sends NP_BEST for 90012345 from TELIA at Tue 10:00 -> 409 recipient-is-donor
LYSE sends NP_BEST for 90012345 from TELIA at Tue 10:00 as B -> 201 awaiting_donor
TELENOR does not see the case in B
TELIA sends NP_GODK in B -> 201 awaiting_recipient
TELENOR does not see the case in B
LYSE sends NP_IVER in B -> 201 scheduled
TELENOR sees the case in B
TELENOR's inbox: NP_IVER
routing 90012345 is TELIA
routing 90012345 is LYSE at Tue 10:00
everybody else sends NP_FERD in A -> 201 completed
at Tue 10:00
routing 90012345 is LYSE
TELENOR sends NP_BEST for 90012345 from LYSE at Wed 10:00 as C -> 201 awaiting_donor
LYSE sends NP_GODK in C -> 201 awaiting_recipient
TELENOR sends NP_IVER in C -> 201 scheduled
at Wed 10:00
routing 90012345 is TELENOR
routing 90012345 is LYSE at Wed 2026-11-25 09:59:59
