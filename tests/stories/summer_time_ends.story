# In the night to 2026-10-25 the hour from 02:00 to 03:00 comes twice. Plain minutes are elapsed minutes.
at Wed 2026-10-21 12:00
TELIA sends NP_BEST for 90012345 from TELENOR at Sun 2026-10-25 02:30 normal as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at Sun 2026-10-25 02:30 summer as B -> 201 awaiting_donor
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
at Sun 2026-10-25 02:00 summer
TELIA sends NP_IVER in B -> 201 scheduled
at Sun 2026-10-25 02:30 summer
the case in B is awaiting_completion
the case in A is awaiting_recipient
at Sun 2026-10-25 02:00 normal
TELIA sends NP_IVER in A -> 201 scheduled
at Sun 2026-10-25 02:00:01 normal
TELIA sends NP_ANNU in A -> 409 stop-too-late T12
at Sun 2026-10-25 02:30 normal
the case in A is awaiting_completion
