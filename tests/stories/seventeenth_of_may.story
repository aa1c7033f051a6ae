# The 17th of May 2028 is a Wednesday, and closed.
at Tue 2028-05-16 15:50
TELIA sends NP_BEST for 90012345 from TELENOR at Wed 12:00 -> 409 porting-time-too-early T9 earliest Thu 08:25
at Wed 2028-05-17 12:00
TELIA sends NP_BEST for 90012345 from TELENOR at Thu 08:34 -> 409 porting-time-too-early T9 earliest Thu 08:35
TELIA sends NP_BEST for 90012345 from TELENOR at Thu 08:35 -> 201 awaiting_donor
