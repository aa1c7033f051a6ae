# When several rules refuse, the first of contract 6 answers, with the numbers that fail it.
at Mon 2026-11-23 08:00
# Unknown before blocked before mixed, before the donor, before the time.
TELIA sends NP_BEST for 90012345, 99999999, 59900001, 22000001 from LYSE at 08:00 -> 409 number-unknown numbers 99999999, count 1
TELIA sends NP_BEST for 90012345, 59900001, 22000001 from LYSE at 08:00 -> 409 number-not-portable numbers 59900001
TELIA sends NP_BEST for 90012345, 22000001 from LYSE at 08:00 -> 409 mixed-number-classes
TELIA sends NP_BEST for 90012345, 90012345 from LYSE at 08:00 -> 409 duplicate-number
TELIA sends NP_BEST for 45360001, 90012345 from LYSE at 08:00 -> 409 number-not-in-use numbers 45360001
TELIA sends NP_BEST for 90012345 from LYSE at 08:00 -> 409 donor-not-holder
TELIA sends NP_BEST for 40000001 from TELIA at 08:00 -> 409 recipient-is-donor
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
limit TELIA on Mon 2026-11-23 is 1
TELIA sends NP_BEST for 90012345, 90012346 from TELENOR at 08:00 -> 409 number-in-open-case numbers 90012345, count 1
TELIA sends NP_BEST for 90012346 from TELENOR at 08:00 -> 409 porting-time-too-early T9
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 -> 409 daily-cap-exceeded
# Of a message about a case: the role before the state, the state before what is answered and why.
TELIA sends NP_FBES because staff-unavailable -> 409 role-not-permitted
TELENOR sends NP_FBES because owner-mismatch -> 409 expected-value-missing
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELENOR sends NP_FBES because staff-unavailable -> 409 case-state
TELIA sends NP_IVER in network FJORD -> 409 network-not-usable
