# What 5_IVER is refused for, in the order of contract 6.
at Mon 2026-11-23 08:00
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 in network CHILI -> 409 network-not-usable network CHILI
TELIA sends 5_IVER for 90012345 from TELENOR at 10:00 leading to 22000001 for the right holder 974760673 -> 409 five-digit-only numbers 90012345
CHILI sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 -> 409 network-not-usable
TELIA sends 5_IVER for 01800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 -> 409 number-unknown numbers 01800
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 99999999 for the right holder 974760673 -> 409 target-number-unknown target_number 99999999
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 59900001 for the right holder 974760673 -> 409 target-number-unknown
TELIA sends 5_IVER for 02800 from LYSE at 10:00 leading to 22000001 for the right holder 974760673 -> 409 donor-must-be-nkom donor LYSE, numbers 02800
# T10 and not T9: 30 plain minutes ahead.
TELIA sends 5_IVER for 02800 from 0 at 08:29:59 leading to 22000001 for the right holder 974760673 -> 409 porting-time-too-early T10 earliest 08:30
TELIA sends 5_IVER for 02800 from 0 at Thu 2027-02-18 00:00:01 leading to 22000001 for the right holder 974760673 -> 409 porting-time-too-late T11 latest Wed 2027-02-17 24:00
limit TELIA on Mon 2026-11-23 is 0
TELIA sends 5_IVER for 02800 from 0 at 08:30 leading to 22000001 for the right holder 974760673 -> 409 daily-cap-exceeded next_day_with_room 2026-11-24
LYSE sends 5_IVER for 02800 from 0 at 08:30 leading to 47000001 for the right holder 974760673 -> 201 scheduled
LYSE sends 5_IVER for 02801 from 0 at Wed 2027-02-17 24:00 leading to 47000001 for the right holder 974760673 -> 201 scheduled
TELIA sends 5_IVER for 02800 from 0 at 12:00 leading to 22000001 for the right holder 974760673 -> 409 number-in-open-case until 08:30
TELIA sends NP_BEST for 02800 from LYSE at 12:00 -> 409 five-digit-message-required
