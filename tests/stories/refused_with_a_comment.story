# A refusal's comment and what the donor expects go to the recipient and nobody else (contract 3, personal data).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 22000001, 22000002 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_FBES because numbers-incomplete expecting numbers 22000001-22000009 saying "the whole office moves" -> 201 rejected
TELIA's newest NP_FBES shows expected, comment
OPERATOR sees the case
history: NP_BEST by TELIA at 08:00 to awaiting_donor, NP_FBES by TELENOR to rejected
