# An answer may say what it answers; then it must be the newest order or change (contract 6, stale-answer).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELIA sends NP_ENDR to 12:00 -> 201 awaiting_donor
TELENOR sends NP_GODK answering the NP_BEST -> 409 stale-answer
TELENOR sends NP_FBES answering the NP_BEST because number-not-held -> 409 stale-answer
TELENOR sends NP_GODK answering the NP_ENDR -> 201 awaiting_recipient
TELIA sends NP_ENDR to 13:00 -> 201 awaiting_donor
TELENOR sends NP_FBES answering the NP_ENDR because number-not-held -> 201 rejected
