# A five-digit number changes provider, and its right of use stays where it is (contract 6, right-holder-differs; S1).
at Mon 2026-11-23 08:00
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 -> 201 scheduled
at Mon 12:00
TELENOR's inbox: 5_IVER
LYSE sends 5_IVER for 02800 from 0 at Tue 10:00 leading to 47000001 for the right holder 974760673 -> 409 donor-not-holder donor 0
LYSE sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 47000001 for the right holder 923609016 -> 409 right-holder-differs numbers 02800
# Nkom has consented that another organisation has it.
the administrator records 923609016 as the right holder of 02800 -> 200
LYSE sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 47000001 for the right holder 974760673 -> 409 right-holder-differs
LYSE sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 47000001 for the right holder 923609016 as B -> 201 scheduled
TELIA's inbox: 5_IVER
TELIA's newest 5_IVER shows right_holder
TELENOR's newest 5_IVER hides right_holder
the right of use of 02800 is 923609016's, as LYSE sees it
at Tue 10:00
routing 02800 is LYSE in LYSE leading to 47000001
TELIA sends 5_FERD in B -> 201 awaiting_completion
# It is TELIA's no longer, so TELIA does not see whose it is.
everybody else sends 5_FERD in B -> 201 completed
TELIA sees no right of use of 02800
