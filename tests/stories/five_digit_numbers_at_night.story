# 30 plain minutes count on Christmas Day too, when nobody works.
at Fri 2026-12-25 23:40
TELIA sends 5_IVER for 02800 from 0 at Sat 00:09:59 leading to 22000001 for the right holder 974760673 -> 409 porting-time-too-early T10 earliest Sat 00:10
TELIA sends 5_IVER for 02800 from 0 at Sat 00:10 leading to 22000001 for the right holder 974760673 -> 201 scheduled
cap TELIA on Sat 2026-12-26: used 1, free 14999
at Sat 00:10
routing 02800 is TELIA leading to 22000001
