# Type E registers the main number only; the others stand in no case and meet no rule.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346 type E from TELENOR at 10:00 -> 201 awaiting_donor, warning extra-numbers-not-registered
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 -> 201 awaiting_donor
TELIA sends NP_BEST for 90012347, 99999999, 59900001, 90012347 type E from TELENOR at 10:00 -> 201 awaiting_donor, warning extra-numbers-not-registered
cap TELIA on Mon 2026-11-23: used 3, free 14997
