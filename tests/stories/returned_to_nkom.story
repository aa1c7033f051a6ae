# Numbers of a returned series go to Nkom, for whom the clearinghouse speaks at the termination time itself (S3 2.8).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Mon 10:00
the administrator takes back the series of 90012345 -> 200
routing 90012345 is TELIA
routing 90012346 is 0
TELIA sends NP_OPPS for 90012345 at Tue 10:00 as A -> 201 awaiting_termination
cap 0 on Tue 2026-11-24: used 1, free 14999
next: NP_ANNU by TELIA until Tue 09:30
LYSE sends NP_BEST for 90012345 from TELIA at Tue 12:00 -> 409 number-in-open-case until Tue 10:00
LYSE's inbox: NP_IVER
TELIA's inbox: NP_GODK
at Tue 10:00
the case is returned
routing 90012345 is 0
history: NP_OPPS by TELIA to awaiting_termination, time by NRDB at 10:00 to awaiting_return, NP_TILB by 0 at 10:00 to returned
LYSE's inbox: NP_TILB
TELIA's inbox: NP_TILB
TELIA sends NP_ANNU -> 409 case-state state returned
LYSE sends NP_BEST for 90012345 from TELIA at Tue 12:00 -> 409 number-not-in-use
