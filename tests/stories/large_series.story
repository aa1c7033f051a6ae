# 10,000 consecutive numbers move in one case; 10,001 are for Nkom to move.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90010000-90019999 from TELENOR at 10:00 -> 201 awaiting_donor
TELIA sends NP_BEST for 90020000-90030000 from TELENOR at 10:00 -> 409 block-too-large numbers 90020000-90030000, count 10001, limit 10000
# It counts what is consecutive once everything is joined.
TELIA sends NP_BEST for 90020000, 90030000, 90020001-90029999 from TELENOR at 10:00 -> 409 block-too-large count 10001
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
cap TELIA on Mon 2026-11-23: used 10000, free 5000
TELIA sends NP_BEST for 90020000-90025000 from TELENOR at 10:00 -> 409 daily-cap-exceeded used 10000, requested 5001, limit 15000
TELIA sends NP_BEST for 90020000-90024999 from TELENOR at 10:00 -> 201 awaiting_donor
at Mon 10:00
routing 90010000 is TELIA
routing 90019999 is TELIA
routing 90020000 is TELENOR
routing 90009999 is TELENOR
