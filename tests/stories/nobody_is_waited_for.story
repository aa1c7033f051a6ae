# When nobody is expected any more, the case is completed at its porting time (contract 3, expected).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 as B -> 201 scheduled
the administrator waives everybody in A
the administrator waives everybody in B
the case in A waits for nobody
the case in A is scheduled
TELENOR's inbox: NP_BEST, NP_IVER, 5_IVER
at Mon 10:00
the case in A is completed
the case in B is completed
routing 90012345 is TELIA
routing 02800 is TELIA
TELENOR's inbox: NOTICE completed
history in A: NP_BEST, NP_GODK, NP_IVER, waive, waive, waive, waive, waive, waive, waive, waive, waive, waive, time at 10:00 to completed
TELIA sends NP_ANNU in A -> 409 stop-too-late T12 latest 09:30
