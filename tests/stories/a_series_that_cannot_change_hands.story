# Where a case would have MT = AT, or two donors (contract 8, series-in-open-case).
at Mon 2026-11-23 08:00
LYSE sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346, 41000001 from TELENOR at 10:30 as B -> 201 awaiting_donor
the administrator gives the series of 41000001 to CHILI -> 409 series-in-open-case cases B, count 1
the administrator gives the series of 90012345 to CHILI -> 409 series-in-open-case cases B, count 1
the administrator gives the series of 90012345 to LYSE -> 409 series-in-open-case count 2
TELIA sends NP_ANNU in B -> 201 cancelled
the administrator gives the series of 90012345 to LYSE -> 409 series-in-open-case cases A, count 1
at Mon 09:59:59
the administrator gives the series of 90012345 to LYSE -> 409 series-in-open-case cases A, count 1
# At its porting time the case has come to nothing.
at Mon 10:00
the administrator gives the series of 90012345 to LYSE -> 200
the series of 90012345 is 90000000-90199999, held by LYSE, open
audit log: series-changed
