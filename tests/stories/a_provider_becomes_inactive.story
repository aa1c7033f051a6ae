# Not while it holds or is party to anything; being waited for does not hinder (contract 8, PATCH of a provider).
at Mon 2026-11-23 08:00
the administrator makes UNIFON inactive -> 409 provider-in-use code UNIFON
the administrator makes 0 inactive -> 409 provider-in-use code 0
SVEA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
the administrator makes SVEA inactive -> 409 provider-in-use
SVEA sends NP_ANNU -> 201 cancelled
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
TELIA sends NP_BEST for 90012346 from TELENOR at 09:30 as C -> 201 awaiting_donor
TELENOR sends NP_GODK in C -> 201 awaiting_recipient
TELIA sends NP_IVER in C -> 201 scheduled
at Mon 09:30
the administrator makes TLINX inactive -> 200
the case in B has waived TLINX
the case in C has waived TLINX
history in C: NP_BEST, NP_GODK, NP_IVER, time, waive to awaiting_completion
history in B: NP_BEST, NP_GODK, NP_IVER, waive to scheduled
# It may read, but not send; nothing new is sent to it.
TLINX's inbox: NP_IVER, NP_IVER
TLINX sends NP_FERD in C -> 403 provider-inactive
everybody else sends NP_FERD in C -> 201 completed
TELIA sends NP_BEST for 90012347 from TELENOR at 12:00 as D -> 201 awaiting_donor
TELENOR sends NP_GODK in D -> 201 awaiting_recipient
TELIA sends NP_IVER in D in network TLINX -> 409 network-not-usable network TLINX
TELIA sends NP_IVER in D -> 201 scheduled
TLINX's inbox: nothing
the administrator makes SVEA inactive -> 200
SVEA sends NP_BEST for 90012348 from TELENOR at 12:00 -> 403 provider-inactive
# Not waited for any more; whoever has come back is not waited for in what was waived.
the administrator makes TLINX active -> 200
TLINX sends NP_FERD in B -> 409 role-not-permitted
at Mon 12:00
everybody else sends NP_FERD in B -> 201 completed
