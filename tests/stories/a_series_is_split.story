# A part becomes a series of its own and may then change hands (contract 8, split).
at Mon 2026-11-23 08:00
the administrator splits 90012300-90012399 from its series -> 201
the series of 90012345 is 90012300-90012399, held by TELENOR, open
the series of 90000000 is 90000000-90012299, held by TELENOR, open
the series of 90012400 is 90012400-90199999, held by TELENOR, open
the administrator splits 90012300-90012399 from its series -> 422 invalid-message
the administrator splits 90012390-90012410 from its series -> 422 invalid-message
the administrator gives the series of 90012345 to LYSE -> 200
routing 90012300 is LYSE
routing 90012399 is LYSE
routing 90012299 is TELENOR
routing 90012400 is TELENOR
audit log: series-split, series-changed
