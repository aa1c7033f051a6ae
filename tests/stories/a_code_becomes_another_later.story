# A transfer at a set time, and one that is cancelled (contract 8, effective_at).
at Mon 2026-11-23 08:00
UNIFON sends NP_BEST for 90012345 from TELENOR at Tue 10:00 as A -> 201 awaiting_donor
the administrator transfers UNIFON to LYSE at 12:00 -> 200
planned changes: code-transferred
the administrator transfers UNIFON to TELIA -> 409 transfer-conflict count 1
at Mon 11:59:59
UNIFON sends NP_BEST for 90012346 from TELENOR at Tue 10:00 as B -> 201 awaiting_donor
CHILI's inbox: nothing
at Mon 12:00
UNIFON sends NP_BEST for 90012347 from TELENOR at Tue 10:00 -> 403 provider-inactive
CHILI's inbox: NOTICE code-transferred
the case in A has recipient LYSE
the case in B has recipient LYSE
routing 93000001 is LYSE
planned changes: none
the administrator transfers COM4 to LYSE at 14:00 -> 200
the administrator cancels the planned change -> 204
at Mon 14:00
routing 59000001 is COM4
audit log: code-transfer-planned, code-transferred, code-transfer-planned, planned-change-cancelled
