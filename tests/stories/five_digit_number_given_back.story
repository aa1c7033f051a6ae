# 5_OPPS gives the number back to Nkom; the clearinghouse itself says 5_TILB at the termination time (S3 2.8).
at Mon 2026-11-23 08:00
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 -> 201 scheduled
at Mon 12:00
LYSE sends 5_OPPS for 02800 at Tue 10:00 -> 409 donor-not-holder
TELIA sends 5_OPPS for 02801 at Tue 10:00 -> 409 donor-not-holder
TELIA sends 5_OPPS for 90012345 at Tue 10:00 -> 409 five-digit-only
TELIA sends 5_OPPS for 02800 at 12:29:59 -> 409 termination-time-too-early T13 earliest 12:30
TELIA sends 5_OPPS for 02800 at Thu 2027-02-18 00:00:01 -> 409 termination-time-too-late T14 latest Wed 2027-02-17 24:00
limit 0 on Tue 2026-11-24 is 0
TELIA sends 5_OPPS for 02800 at Tue 10:00 -> 409 daily-cap-exceeded code 0, limit 0, next_day_with_room 2026-11-25
TELIA sends 5_OPPS for 02800 at Wed 10:00 as A -> 201 awaiting_termination
cap 0 on Wed 2026-11-25: used 1, free 14999
TELIA sends 5_OPPS for 02800 at Wed 12:00 -> 409 number-in-open-case until Wed 10:00
TELIA sends 5_TILB -> 409 role-not-permitted
TELIA's inbox: nothing
LYSE's inbox: 5_IVER
LYSE does not see the case
at Wed 10:00
the case is returned
routing 02800 is 0 leading to nowhere
LYSE's inbox: 5_TILB
TELIA's inbox: 5_TILB
LYSE sees the case
history: 5_OPPS by TELIA to awaiting_termination, time at 10:00 to awaiting_return, 5_TILB by 0 at 10:00 to returned
# Nobody has the right of use now: it may be set up for another organisation.
OPERATOR sees no right of use of 02800
LYSE sends 5_IVER for 02800 from 0 at 12:00 leading to 47000001 for the right holder 923609016 -> 201 scheduled
