# The donor may refuse for a wrong owner of a secret number, and must not say who it is.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_FBES because owner-mismatch expecting name "Ola Nordmann", birth_date 19700101 secret -> 409 secret-number-disclosed
TELENOR sends NP_FBES because owner-mismatch expecting name "Ola Nordmann" secret -> 409 secret-number-disclosed
TELENOR sends NP_FBES because owner-mismatch secret saying "ask him" -> 409 secret-number-disclosed
TELENOR sends NP_FBES because owner-mismatch secret -> 201 rejected
