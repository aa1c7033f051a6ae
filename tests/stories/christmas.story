# Christmas Eve is a working day until the administrator closes it; accepted cases stay as they are.
at Wed 2026-12-23 15:50
TELIA sends NP_BEST for 90012345 from TELENOR at Thu 08:25 as A -> 201 awaiting_donor
closed Thu 2026-12-24
TELIA sends NP_BEST for 90012346 from TELENOR at Thu 08:25 -> 409 porting-time-too-early T9 earliest Mon 08:25
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
TELIA sends NP_IVER in A -> 201 scheduled
at Thu 08:25
the case in A is awaiting_completion
