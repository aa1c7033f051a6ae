# The case says what would be accepted, from whom, and until when (contract 3, next).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
next: NP_GODK by TELENOR before 10:00, NP_FBES by TELENOR before 10:00, NP_ENDR by TELIA before 10:00 for 08:35 to Wed 2027-02-17 24:00, NP_ANNU by TELIA until 09:30
TELENOR sends NP_GODK -> 201 awaiting_recipient
next: NP_ENDR by TELIA before 10:00 for 08:35 to Wed 2027-02-17 24:00, NP_ANNU by TELIA until 09:30, NP_IVER by TELIA until 09:30
at Mon 09:30
next: NP_ENDR by TELIA before 10:00 for 10:05 to Wed 2027-02-17 24:00, NP_ANNU by TELIA until 09:30, NP_IVER by TELIA until 09:30
at Mon 09:30:01
next: NP_ENDR by TELIA before 10:00 for 10:05:01 to Wed 2027-02-17 24:00
at Mon 10:00
next: nothing
the case is obsolete
