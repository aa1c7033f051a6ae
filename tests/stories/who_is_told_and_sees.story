# MT and AT see a case from the order on, the others from NP_IVER on; what is personal only MT and AT (contract 2, 3).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR's inbox: NP_BEST
TELIA's inbox: nothing
LYSE's inbox: nothing
TELIA sees the customer
TELENOR sees the customer
OPERATOR does not see the customer
ADMIN does not see the customer
TELENOR's newest NP_BEST shows customer, authorisation_reference
LYSE does not see the case
LYSE lists nothing with number 90012345
TELIA sends NP_ENDR for "Ola Nordmann" -> 201 awaiting_donor
TELENOR's newest NP_ENDR shows customer
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
LYSE sees the case
LYSE does not see the customer
LYSE's inbox: NP_IVER
# COM4 terminates calls, CHILI does not.
COM4's inbox: NP_IVER
CHILI's inbox: nothing
CHILI does not see the case
LYSE sends NP_FIVE saying "the number is not in our tables" -> 201 scheduled
TELIA's newest NP_FIVE shows comment
LYSE sees the case
TELIA lists A with role MT
TELENOR lists A with role AT
LYSE lists nothing with code LYSE, role MT
LYSE lists A with number 90012345, state scheduled, kind porting
TELIA sends NP_ANNU -> 201 cancelled
COM4's inbox: NP_ANNU
LYSE's inbox: NP_ANNU
TELENOR's inbox: NP_ENDR, NP_IVER, NP_ANNU
TELIA's inbox: NP_GODK, NP_FIVE
history: NP_BEST by TELIA to awaiting_donor, NP_ENDR by TELIA to awaiting_donor, NP_GODK by TELENOR to awaiting_recipient, NP_IVER by TELIA to scheduled, NP_FIVE by LYSE to scheduled, NP_ANNU by TELIA to cancelled
