# One sends for one's own codes only, and reads again what one has sent or received (contract 1, 2).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
LYSE sends, as TELIA, NP_ANNU -> 403 sender-not-yours
TELIA reads the NP_BEST again
TELENOR reads the NP_BEST again
LYSE cannot read the NP_BEST again
