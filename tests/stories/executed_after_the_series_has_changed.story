# NP_IVER looks again at what the plan says: series may change at a set time while a case is open (contract 6).
at Mon 2026-11-23 08:00
the administrator gives the series of 22000001 to LYSE at 09:00 -> 200
the administrator blocks the series of 23000001 at 09:00 -> 200
LYSE sends NP_BEST for 22000001 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK in A -> 201 awaiting_recipient
LYSE sends NP_BEST for 23000001 from GLOBCON at 10:00 as B -> 201 awaiting_donor
GLOBCON sends NP_GODK in B -> 201 awaiting_recipient
at Mon 09:00
LYSE sends NP_IVER in A -> 409 donor-not-holder donor TELENOR, numbers 22000001
LYSE sends NP_IVER in B -> 409 number-not-portable numbers 23000001
LYSE sends NP_ANNU in A -> 201 cancelled
LYSE sends NP_ANNU in B -> 201 cancelled
