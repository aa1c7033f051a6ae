# The end of the 60th working day from today is the latest porting time (T11), itself allowed.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at Thu 2027-02-18 00:00:01 -> 409 porting-time-too-late T11 latest Wed 2027-02-17 24:00
TELIA sends NP_BEST for 90012345 from TELENOR at Wed 2027-02-17 24:00 -> 201 awaiting_donor
# For the cap it belongs to the next day.
cap TELIA on Wed 2027-02-17: used 0, free 15000
cap TELIA on Thu 2027-02-18: used 1, free 14999
# From a weekend the count begins on Monday: today is day 0, working day or not.
at Sun 2026-11-29 12:00
TELIA sends NP_ENDR to Wed 2027-02-24 00:00:01 -> 409 porting-time-too-late T11 latest Tue 2027-02-23 24:00
