# In the night to 2027-03-28 the hour from 02:00 to 03:00 does not exist: 30 minutes before 03:10 is 01:40.
at Mon 2027-03-22 12:00
TELIA sends NP_BEST for 90012345 from TELENOR at Sun 2027-03-28 03:10 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
at Sun 2027-03-28 01:40
TELIA sends NP_IVER -> 201 scheduled
TELIA sends NP_ANNU -> 201 cancelled
