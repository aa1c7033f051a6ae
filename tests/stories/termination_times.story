# From 30 working minutes ahead (T13) to the end of the 60th working day (T14), here across Easter and into summer time.
at Wed 2027-03-17 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347, 90012348 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
at Wed 2027-03-24 15:30
TELIA sends NP_OPPS for 90012345 at 15:59:59 -> 409 termination-time-too-early T13 earliest 16:00
TELIA sends NP_OPPS for 90012345 at 16:00 -> 201 awaiting_termination
at Wed 15:30:01
TELIA sends NP_OPPS for 90012346 at Tue 2027-03-30 08:00 -> 409 termination-time-too-early T13 earliest Tue 2027-03-30 08:00:01
TELIA sends NP_OPPS for 90012346 at Tue 2027-03-30 08:00:01 -> 201 awaiting_termination
60 working days from Wed 15:30:01 end at Wed 2027-06-23 24:00
TELIA sends NP_OPPS for 90012347 at Thu 2027-06-24 00:00:01 -> 409 termination-time-too-late T14 latest Wed 2027-06-23 24:00
TELIA sends NP_OPPS for 90012347 at Wed 2027-06-23 24:00 -> 201 awaiting_termination
# The termination time itself may be any hour of any day.
cap TELENOR on Thu 2027-06-24: used 1, free 14999
TELIA sends NP_OPPS for 90012348 at Sun 2027-04-04 03:00 -> 201 awaiting_termination
