# A code is not transferred where a case would have it on both sides (contract 8, transfer-conflict).
at Mon 2026-11-23 08:00
LYSE sends NP_BEST for 93000001 from UNIFON at 10:00 as A -> 201 awaiting_donor
UNIFON sends NP_GODK -> 201 awaiting_recipient
LYSE sends NP_IVER -> 201 scheduled
the administrator transfers UNIFON to LYSE -> 409 transfer-conflict cases A, count 1
the administrator transfers LYSE to UNIFON -> 409 transfer-conflict cases A, count 1
at Mon 09:59:59
the administrator transfers UNIFON to LYSE -> 409 transfer-conflict cases A, count 1
# In awaiting_completion the case blocks nothing; the new code is then no longer expected.
at Mon 10:00
the case expects BANENOR, COM4, DSB, GLOBCON, IRISTEL, NEXTGEN, TELENOR, TELIA, TLINX, UNIFON
the administrator transfers UNIFON to LYSE -> 200
the case expects BANENOR, COM4, DSB, GLOBCON, IRISTEL, NEXTGEN, TELENOR, TELIA, TLINX
everybody else sends NP_FERD -> 201 completed
the administrator transfers UNIFON to LYSE -> 422 invalid-message
the administrator transfers NOBODY to LYSE -> 404 not-found
