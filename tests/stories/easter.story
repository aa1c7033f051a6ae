# Maundy Thursday, Good Friday and Easter Monday 2027 are closed, and summer time begins on Easter Sunday.
at Wed 2027-03-24 15:50
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 2027-03-30 08:24 -> 409 porting-time-too-early T9 earliest Tue 2027-03-30 08:25
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 2027-03-30 08:25 -> 201 awaiting_donor
