# The donor knows another owner. A name alone is no ground, and an identity that agrees is none either.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_FBES because owner-mismatch -> 409 expected-value-missing
TELENOR sends NP_FBES because owner-mismatch expecting name "Ola Nordmann" -> 409 expected-value-missing
TELENOR sends NP_FBES because owner-mismatch expecting name "Ola Nordmann", birth_date 19800131 -> 409 reason-not-permitted
TELENOR sends NP_FBES because outstanding-balance -> 409 reason-not-permitted reason outstanding-balance
TELENOR sends NP_FBES because customer-changed-mind -> 409 reason-not-permitted
TELENOR sends NP_FBES because staff-unavailable -> 409 reason-not-permitted
TELENOR sends NP_FBES because owner-mismatch expecting name "Ola Nordmann", birth_date 19700101 -> 201 rejected
TELIA's inbox: NP_FBES
# The numbers are free at once, and the room too.
cap TELIA on Mon 2026-11-23: used 0, free 15000
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
