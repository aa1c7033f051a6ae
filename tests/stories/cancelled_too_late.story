# One second later than 30 minutes before, and at and after the porting time.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
TELIA sends NP_IVER in A -> 201 scheduled
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
at Mon 09:30:01
TELIA sends NP_ANNU in A -> 409 stop-too-late T12 latest 09:30
TELIA sends NP_ANNU in B -> 409 stop-too-late T12 latest 09:30
at Mon 10:00
TELIA sends NP_ANNU in A -> 409 stop-too-late T12 latest 09:30
TELIA sends NP_ANNU in B -> 409 stop-too-late T12 latest 09:30
the case in A is awaiting_completion
the case in B is obsolete
LYSE sends NP_FERD in A -> 201 awaiting_completion
TELIA sends NP_ANNU in A -> 409 stop-too-late T12 latest 09:30
everybody else sends NP_FERD in A -> 201 completed
TELIA sends NP_ANNU in A -> 409 case-state state completed
