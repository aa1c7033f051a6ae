# Geographic, non-geographic and mobile numbers do not share a case; 8 and 12 digits do.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 22000001 from TELENOR at 10:00 -> 409 mixed-number-classes
TELIA sends NP_BEST for 22000001, 80000001 from TELENOR at 10:00 -> 409 mixed-number-classes
TELIA sends NP_BEST for 90012345, 580000012345 from TELENOR at 10:00 -> 201 awaiting_donor
cap TELIA on Mon 2026-11-23: used 2, free 14998
# A fixed main number with its additional numbers; without any it is type E.
TELIA sends NP_BEST for 22000001 type T from TELENOR at 10:00 -> 409 number-type-mismatch
TELIA sends NP_BEST for 22000001, 22000002 from TELENOR at 10:00 -> 201 awaiting_donor
TELIA sends NP_BEST for 90012350 type T from TELENOR at 10:00 -> 201 awaiting_donor
TELIA sends NP_BEST for 90012360, 90012360 from TELENOR at 10:00 -> 409 duplicate-number numbers 90012360, count 1
TELIA sends NP_BEST for 90012360, 90012365, 90012360-90012369 from TELENOR at 10:00 -> 409 duplicate-number numbers 90012365
TELIA sends NP_BEST for 90012360, 90012370, 90012360-90012369 from TELENOR at 10:00 -> 201 awaiting_donor
