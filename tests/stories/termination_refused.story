# The range holder refuses a termination, until the termination time (contract 2, 6, NP_FOPS).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
TELIA sends NP_OPPS for 90012345 at 12:00 as A -> 201 awaiting_termination
TELIA sends NP_OPPS for 90012346 at 12:00 as B -> 201 awaiting_termination
TELENOR's inbox: NP_BEST, NP_IVER, NP_OPPS, NP_OPPS
TELIA sends NP_FOPS in A because other -> 409 role-not-permitted
TELENOR sends NP_FOPS in A because numbers-incomplete saying "90012344 belongs to it" -> 201 rejected
TELIA's newest NP_FOPS shows comment
cap TELENOR on Mon 2026-11-23: used 1, free 14999
# The number is free for another case at once.
TELIA sends NP_OPPS for 90012345 at 14:00 as C -> 201 awaiting_termination
TELENOR sends NP_FOPS in C because termination-time-wrong -> 201 rejected
TELENOR sends NP_FOPS in C because termination-time-wrong -> 409 case-state state rejected
at Mon 11:59:59
TELIA sends NP_OPPS for 90012347 at 14:00 as D -> 201 awaiting_termination
at Mon 12:00
TELENOR sends NP_FOPS in B because number-not-held -> 409 porting-time-passed termination_time 12:00
TELENOR sends NP_TILB in B -> 201 returned
TELENOR sends NP_FOPS in D because number-not-held -> 201 rejected
