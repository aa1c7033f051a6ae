# Nkom takes a series back and assigns it again; its new holder is told, and hears what is ported (contract 8; S3 2.8).
at Mon 2026-11-23 08:00
LYSE sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
LYSE sends NP_IVER -> 201 scheduled
at Mon 10:00
the administrator takes back the series of 90012345 -> 200
the series of 90012345 is 90000000-90199999, held by 0, returned
routing 90012345 is LYSE
routing 90012346 is 0
TELIA sends NP_BEST for 90012346 from TELENOR at Tue 10:00 -> 409 number-not-in-use
UNIFON's inbox: NP_IVER
at Mon 12:00
the administrator gives the series of 90012345 to UNIFON -> 200
the series of 90012345 is 90000000-90199999, held by UNIFON, open
UNIFON's inbox: NOTICE series-assigned
TELENOR's inbox: NP_BEST, NP_IVER
ported from the series of 90012345, as UNIFON sees it: 90012345-90012345 LYSE
TELIA sends NP_BEST for 90012346 from UNIFON at Tue 10:00 -> 201 awaiting_donor
