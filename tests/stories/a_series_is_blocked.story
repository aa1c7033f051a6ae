# Not while a number of it is ported or in an open case (contract 8; S3 2.10).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 22000001 from TELENOR at 10:00 as B -> 201 awaiting_donor
the administrator blocks the series of 90012345 -> 409 series-in-open-case cases A, count 1
the administrator blocks the series of 22000001 -> 409 series-in-open-case cases B, count 1
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
TELIA sends NP_IVER in A -> 201 scheduled
the administrator blocks the series of 90012345 -> 409 series-in-open-case cases A
at Mon 09:59:59
the administrator blocks the series of 22000001 -> 409 series-in-open-case
at Mon 10:00
the administrator blocks the series of 90012345 -> 409 series-has-ported-numbers numbers 90012345, count 1
the administrator blocks the series of 22000001 -> 200
the series of 22000001 is 22000000-22099999, held by TELENOR, blocked
TELIA sends NP_BEST for 22000001 from TELENOR at Tue 10:00 -> 409 number-not-portable
22000001 cannot be ported: number-not-portable
the administrator opens the series of 22000001 -> 200
TELIA sends NP_BEST for 22000001 from TELENOR at Tue 10:00 -> 201 awaiting_donor
audit log: series-changed, series-changed
