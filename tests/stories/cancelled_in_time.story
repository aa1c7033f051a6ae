# Until 30 minutes before the porting time the recipient can stop it, executed or not (T12).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_ANNU in A -> 409 role-not-permitted
TELENOR's inbox: NP_BEST, NP_BEST
TELIA sends NP_ANNU in A -> 201 cancelled
TELENOR's inbox: NP_ANNU
LYSE's inbox: nothing
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
routing 90012346 is TELIA at 10:00
at Mon 09:30
# Exactly 30 minutes before.
TELIA sends NP_ANNU in B -> 201 cancelled
LYSE's inbox: NP_IVER, NP_ANNU
routing 90012346 is TELENOR at 10:00
cap TELIA on Mon 2026-11-23: used 0, free 15000
at Mon 10:00
the case in B is cancelled
routing 90012346 is TELENOR
TELIA sends NP_ANNU in B -> 409 case-state state cancelled
