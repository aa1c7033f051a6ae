# The holder stops its termination until 30 minutes before the termination time (T18).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
TELIA sends NP_OPPS for 90012345 at 12:00 as A -> 201 awaiting_termination
TELIA sends NP_OPPS for 90012346 at 12:00 as B -> 201 awaiting_termination
TELENOR's inbox: NP_BEST, NP_IVER, NP_OPPS, NP_OPPS
TELENOR sends NP_ANNU in A -> 409 role-not-permitted
at Mon 11:30
TELIA sends NP_ANNU in A -> 201 cancelled
TELENOR's inbox: NP_ANNU
cap TELENOR on Mon 2026-11-23: used 1, free 14999
at Mon 11:30:01
TELIA sends NP_ANNU in B -> 409 stop-too-late T18 latest 11:30
at Mon 12:00
TELIA sends NP_ANNU in B -> 409 stop-too-late T18 latest 11:30
TELENOR sends NP_TILB in A -> 409 case-state state cancelled
TELENOR sends NP_TILB in B -> 201 returned
TELIA sends NP_ANNU in B -> 409 case-state state returned
routing 90012345 is TELIA
routing 90012346 is TELENOR
