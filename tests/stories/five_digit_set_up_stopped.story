# Until 30 minutes before, MT stops a 5_IVER (T12); the right of use that it wrote goes with it (contract 2, 7).
at Mon 2026-11-23 08:00
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 as A -> 201 scheduled
TELIA sends 5_IVER for 02801 from 0 at 10:00 leading to 22000001 for the right holder 974760673 as B -> 201 scheduled
LYSE sends NP_ANNU in A -> 409 role-not-permitted
at Mon 09:30
TELIA sends NP_ANNU in A -> 201 cancelled
LYSE's inbox: 5_IVER, 5_IVER, NP_ANNU
cap TELIA on Mon 2026-11-23: used 1, free 14999
routing 02800 stays
OPERATOR sees no right of use of 02800
LYSE sends 5_IVER for 02800 from 0 at 10:00 leading to 47000001 for the right holder 923609016 -> 201 scheduled
at Mon 09:30:01
TELIA sends NP_ANNU in B -> 409 stop-too-late T12 latest 09:30
at Mon 10:00
TELIA sends NP_ANNU in B -> 409 stop-too-late T12 latest 09:30
routing 02800 is LYSE leading to 47000001
