# TETRA and GSM-R numbers are never ported, and neither are numbers that nobody uses.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 59900001 from DSB at 10:00 -> 409 number-not-portable numbers 59900001, count 1
TELIA sends NP_BEST for 59950001 from BANENOR at 10:00 -> 409 number-not-portable
TELIA sends NP_BEST for 59000001 from COM4 at 10:00 -> 201 awaiting_donor
# One blocked number refuses the whole order, and only that number is named.
TELIA sends NP_BEST for 59000002, 59900005 from COM4 at 10:00 -> 409 number-not-portable numbers 59900005, count 1
