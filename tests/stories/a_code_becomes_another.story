# Series, ported numbers, cases, reports and room go to the other code at once (contract 8, transfer).
at Mon 2026-11-23 08:00
UNIFON sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
UNIFON sends NP_IVER -> 201 scheduled
LYSE sends NP_BEST for 93000001 from UNIFON at 10:00 as B -> 201 awaiting_donor
UNIFON sends NP_GODK in B -> 201 awaiting_recipient
LYSE sends NP_IVER in B -> 201 scheduled
TELIA sends NP_BEST for 93000002 from UNIFON at Tue 10:00 as C -> 201 awaiting_donor
UNIFON sends NP_BEST for 90012346 from TELENOR at Tue 10:00 as D -> 201 awaiting_donor
at Mon 12:00
TLINX sends NP_FERD in A -> 201 awaiting_completion
LYSE's inbox: NP_IVER, NP_GODK
the administrator transfers UNIFON to UNIFON -> 409 transfer-to-itself code UNIFON
the administrator transfers UNIFON to LYSE at 11:59:59 -> 409 effective-time-passed now 12:00
the administrator transfers UNIFON to LYSE -> 200
routing 90012345 is LYSE in LYSE
routing 93000002 is LYSE
routing 93000002 is UNIFON at 11:59:59
# What LYSE served as a ported number lies in a series of its own now.
routing 93000001 is not ported
the case in C has recipient TELIA, donor LYSE, range_holder LYSE
the case in D has recipient LYSE
the case in A has recipient LYSE
the case in A waits for BANENOR, COM4, DSB, GLOBCON, IRISTEL, NEXTGEN, TELENOR, TELIA
cap LYSE on Tue 2026-11-24: used 1, free 14999
cap UNIFON on Tue 2026-11-24: used 0, free 15000
LYSE sends NP_GODK in C -> 201 awaiting_recipient
# The old code reads, and sends nothing.
UNIFON sends NP_ANNU in D -> 403 provider-inactive
UNIFON's inbox: NP_GODK, NP_BEST, NP_IVER, NP_BEST, NP_FERD
LYSE's inbox: NOTICE code-transferred
CHILI's inbox: NOTICE code-transferred
history in D: NP_BEST by UNIFON, code-transfer by NRDB at 12:00 to awaiting_donor
audit log: code-transferred
