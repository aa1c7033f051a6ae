# A line sees the lines before it, and a bad line sinks no other (contract 2, batch).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends in one batch: NP_GODK in A -> 201 awaiting_recipient; NP_GODK in A -> 409 case-state state awaiting_recipient; not JSON -> 400 not-json; NP_GODK in B -> 201 awaiting_recipient; NP_GODK in an unknown case -> 404 unknown-case
TELIA sends in one batch: NP_IVER in A -> 201 scheduled; NP_ANNU in A -> 201 cancelled; NP_IVER in B -> 201 scheduled
TELENOR's inbox: NP_BEST, NP_BEST, NP_IVER, NP_ANNU, NP_IVER
routing 90012345 stays
routing 90012346 becomes TELIA at 10:00
