# Only MT cancels, changes and executes; only AT answers; who is not party knows of no case (contract 2, 6; S3 2.4.1).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_ANNU -> 409 role-not-permitted
TELENOR sends NP_ENDR to 12:00 -> 409 role-not-permitted
TELENOR sends NP_IVER -> 409 role-not-permitted
TELIA sends NP_GODK -> 409 role-not-permitted
TELIA sends NP_FBES because number-not-held -> 409 role-not-permitted
TELIA sends NP_FERD -> 409 role-not-permitted
TELIA sends NP_FIVE saying "no route" -> 409 role-not-permitted
# Until NP_IVER the donor counts as an expected sender: the state answers, not the role.
TELENOR sends NP_FERD -> 409 case-state state awaiting_donor, kind porting
TELENOR sends NP_FIVE saying "no route" -> 409 case-state state awaiting_donor
# Messages of other kinds of case.
TELENOR sends NP_TILB -> 409 case-state state awaiting_donor, kind porting, allowed NP_GODK NP_FBES NP_ENDR NP_ANNU
TELENOR sends NP_FOPS because other -> 409 case-state kind porting
TELENOR sends 5_FERD -> 409 case-state kind porting
# To everybody else it does not exist, and neither does a case that never was.
LYSE sends NP_FERD -> 404 unknown-case
LYSE sends NP_GODK -> 404 unknown-case
CHILI sends NP_ANNU -> 404 unknown-case
TELENOR sends NP_GODK in an unknown case -> 404 unknown-case
TELENOR sends NP_GODK -> 201 awaiting_recipient
# After NP_GODK there is no refusal: stopping is the recipient's (S3 2.5.1).
TELENOR sends NP_FBES because number-not-held -> 409 case-state state awaiting_recipient
TELENOR sends NP_GODK -> 409 case-state state awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
LYSE sends NP_ANNU -> 409 role-not-permitted
LYSE sends NP_GODK -> 409 role-not-permitted
TELIA sends NP_FERD -> 409 role-not-permitted
TELIA sends NP_IVER -> 409 case-state state scheduled
CHILI sends NP_FERD -> 404 unknown-case
