# Who becomes the recipient of a case does not report about it (contract 8, transfer in awaiting_completion).
at Mon 2026-11-23 08:00
CHILI sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
CHILI sends NP_IVER in network TELIA -> 201 scheduled
at Mon 10:00
the administrator waives everybody in A but LYSE
the case waits for LYSE
CHILI's inbox: NP_GODK
the administrator transfers CHILI to LYSE -> 200
the case is completed
the case has recipient LYSE
history: NP_BEST, NP_GODK, NP_IVER, time, waive, waive, waive, waive, waive, waive, waive, waive, waive, waive, code-transfer to awaiting_completion, waive by NRDB to completed
LYSE's inbox: NP_IVER, NOTICE completed, NOTICE code-transferred
