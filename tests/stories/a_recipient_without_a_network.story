# A provider that terminates no calls names the network that does.
at Mon 2026-11-23 08:00
CHILI sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
CHILI sends NP_IVER -> 409 network-not-usable network CHILI
CHILI sends NP_IVER in network FJORD -> 409 network-not-usable network FJORD
CHILI sends NP_IVER in network NOBODY -> 409 network-not-usable network NOBODY
CHILI sends NP_IVER in network TELIA -> 201 scheduled
TELIA's inbox: NP_IVER
FJORD's inbox: nothing
at Mon 10:00
routing 90012345 is CHILI in TELIA
FJORD does not see the case
FJORD sends NP_FERD -> 404 unknown-case
TELIA sends NP_FERD -> 201 awaiting_completion
everybody else sends NP_FERD -> 201 completed
