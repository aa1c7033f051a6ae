# Every lawful reason needs what would have been right, and three reasons are none (contract 6; S3 2.5.1 to 2.5.3).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 22000001, 22000002 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_FBES in A because outstanding-balance -> 409 reason-not-permitted
TELENOR sends NP_FBES in A because numbers-incomplete -> 409 expected-value-missing missing numbers
TELENOR sends NP_FBES in A because numbers-incomplete expecting numbers 22000001-22000009 -> 201 rejected
TELIA sends NP_BEST for 22000001, 22000002 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_FBES in B because number-type-wrong -> 409 expected-value-missing missing number_type
TELENOR sends NP_FBES in B because number-type-wrong expecting number_type S -> 201 rejected
TELIA sends NP_BEST for 22000001, 22000002 from TELENOR at 10:00 as C -> 201 awaiting_donor
TELENOR sends NP_FBES in C because complex-porting -> 409 expected-value-missing missing porting_time
TELENOR sends NP_FBES in C because complex-porting expecting porting_time 2026-12-01T10:00:00+01:00 -> 201 rejected
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as D -> 201 awaiting_donor
# Mobile numbers may be ported one by one.
TELENOR sends NP_FBES in D because numbers-incomplete expecting numbers 90012345-90012349 -> 409 reason-not-permitted
TELENOR sends NP_FBES in D because subscription-ended saying "since Friday" -> 201 rejected
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as E -> 201 awaiting_donor
TELENOR sends NP_FBES in E because authorisation-invalid -> 201 rejected
TELIA's inbox: NP_FBES, NP_FBES, NP_FBES, NP_FBES, NP_FBES
cap TELIA on Mon 2026-11-23: used 0, free 15000
