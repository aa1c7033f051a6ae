# Open terminations follow a code, on either side, and a series (contract 8; S3 2.8).
at Mon 2026-11-23 08:00
UNIFON sends NP_BEST for 90012345, 90012346 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
UNIFON sends NP_IVER -> 201 scheduled
at Mon 10:00
UNIFON sends NP_OPPS for 90012345 at 12:00 as A -> 201 awaiting_termination
the administrator transfers UNIFON to COM4 -> 200
the case in A has donor COM4, range_holder TELENOR
next in A: NP_ANNU by COM4 until 11:30, NP_FOPS by TELENOR before 12:00, NP_TILB by TELENOR from 12:00
the administrator gives the series of 90012345 to LYSE -> 200
the case in A has donor COM4, range_holder LYSE
cap LYSE on Mon 2026-11-23: used 1, free 14999
cap TELENOR on Mon 2026-11-23: used 0, free 15000
at Mon 12:00
LYSE sends NP_TILB in A -> 201 returned
routing 90012345 is LYSE
routing 90012345 is not ported
routing 90012346 is COM4
