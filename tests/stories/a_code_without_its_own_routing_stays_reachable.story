# A transfer takes the network of routing rows with it, and rows that are set for later (contract 8, transfer).
at Mon 2026-11-23 08:00
CHILI sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
CHILI sends NP_IVER in network TELIA -> 201 scheduled
the administrator transfers TELIA to CHILI -> 422 invalid-message
the administrator transfers TELIA to LYSE -> 200
the case has network LYSE
at Mon 10:00
routing 90012345 is CHILI in LYSE
routing 40000001 is LYSE in LYSE
