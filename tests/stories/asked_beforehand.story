# What a message would be answered, without sending it: nothing changes (contract 2, check).
at Mon 2026-11-23 08:00
TELIA asks whether it could send NP_BEST for 90012345 from TELENOR at 08:34 -> 409 porting-time-too-early T9 earliest 08:35
TELIA asks whether it could send NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
cap TELIA on Mon 2026-11-23: used 0, free 15000
TELENOR's inbox: nothing
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
LYSE asks whether it could send NP_BEST for 90012345 from TELENOR at 12:00 -> 409 number-in-open-case until 10:00
TELENOR asks whether it could send NP_ANNU -> 409 role-not-permitted
TELENOR asks whether it could send NP_GODK -> 201 awaiting_recipient
the case is awaiting_donor
at Mon 09:30:01
TELIA asks whether it could send NP_ANNU -> 409 stop-too-late T12 latest 09:30
