# A mobile number goes from Telenor to Telia, from the order to the last network's report.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR's inbox: NP_BEST
TELENOR sees the case
LYSE does not see the case
cap TELIA on Mon 2026-11-23: used 1, free 14999
at Mon 08:30
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA's inbox: NP_GODK
routing 90012345 is TELENOR at 10:00
TELIA sends NP_IVER -> 201 scheduled
LYSE sees the case
LYSE's inbox: NP_IVER
TELENOR's inbox: NP_IVER
routing 90012345 is TELENOR
routing 90012345 is TELENOR at 09:59:59
routing 90012345 is TELIA in TELIA at 10:00
at Mon 10:00
the case is awaiting_completion
routing 90012345 is TELIA in TELIA
LYSE sends NP_FERD -> 201 awaiting_completion
LYSE sends NP_FERD -> 409 already-sent
everybody else sends NP_FERD -> 201 completed
TELENOR's inbox: NOTICE completed
# Room under the cap is never given back on completion.
cap TELIA on Mon 2026-11-23: used 1, free 14999
