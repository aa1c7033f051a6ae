# A new holder takes what is not ported; what was ported to it is ported no more; open cases follow (contract 8).
at Mon 2026-11-23 08:00
LYSE sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
LYSE sends NP_IVER -> 201 scheduled
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
at Mon 10:00
CHILI sends NP_BEST for 90012347 from TELENOR at 12:00 as C -> 201 awaiting_donor
ported from the series of 90012345, as TELENOR sees it: 90012345-90012345 LYSE, 90012346-90012346 TELIA
ported from the series of 90012345, as OPERATOR sees it: 90012345-90012345 LYSE, 90012346-90012346 TELIA
LYSE may not see what is ported from the series of 90012345
at Mon 10:30
the administrator gives the series of 90012345 to LYSE -> 200
routing 90012345 is LYSE
routing 90012345 is not ported
routing 90012346 is TELIA
routing 90012348 is LYSE
routing 90012348 is TELENOR at 10:29:59
ported from the series of 90012345, as LYSE sees it: 90012346-90012346 TELIA
# The open case has its new donor; what waits for reports stays as it is.
the case in C has donor LYSE, range_holder LYSE
the case in A has donor TELENOR, range_holder TELENOR
TELENOR sends NP_GODK in C -> 404 unknown-case
LYSE sends NP_GODK in C -> 201 awaiting_recipient
TELENOR sends NP_FERD in A -> 201 awaiting_completion
audit log: series-changed
