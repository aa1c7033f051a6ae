# Type S with a series and single numbers, in one case; 12-digit numbers in ranges; all go together (contract 2).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 22000001, 22000050, 22000000-22000009 from TELENOR at 10:00 as A -> 201 awaiting_donor
the case has numbers 22000000-22000009 22000050, number_count 11, main_number 22000001, number_type S
cap TELIA on Mon 2026-11-23: used 11, free 14989
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
TELIA sends NP_BEST for 580000012340-580000012349 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELIA sends NP_BEST for 580000012345, 580000012346 from COM4 at 10:00 -> 409 donor-not-holder numbers 580000012345-580000012346, count 2
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
at Mon 10:00
routing 22000009 is TELIA
routing 22000010 is TELENOR
routing 22000050 is TELIA
routing 580000012349 is TELIA
routing 580000012350 is TELENOR
