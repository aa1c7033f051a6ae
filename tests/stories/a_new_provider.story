# A provider is added, gets a key, and takes part from then on; its key is revoked (contract 8, 1).
at Mon 2026-11-23 08:00
the administrator adds the provider TELIA -> 409 code-exists code TELIA
the administrator adds the provider NEWTEL with routing number +47990099 -> 201
the administrator makes a key for NEWTEL until 12:00 -> 201
NEWTEL's key is for NEWTEL
audit log: provider-created, key-created
NEWTEL sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
NEWTEL sends NP_IVER -> 201 scheduled
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
# It terminates calls, so it is told of everybody's portings and reports.
NEWTEL's inbox: NP_GODK, NP_IVER
at Mon 10:00
routing 90012345 is NEWTEL in NEWTEL
NEWTEL sends NP_FERD in B -> 201 awaiting_completion
at Mon 11:59:59
NEWTEL's key is for NEWTEL
# The key has an end; another is made, and revoked.
at Mon 12:00
NEWTEL's key opens nothing
NEWTEL sends NP_BEST for 90012347 from TELENOR at Tue 10:00 -> 401 unauthenticated
the administrator makes a key for NEWTEL -> 201
NEWTEL sends NP_BEST for 90012347 from TELENOR at Tue 10:00 -> 201 awaiting_donor
the administrator revokes the key of NEWTEL -> 204
NEWTEL sends NP_ANNU -> 401 unauthenticated
NEWTEL's key opens nothing
audit log: key-created, key-revoked
