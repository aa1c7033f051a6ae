# The holder's own 5_IVER leads the number elsewhere, and takes no room (contract 6, recipient-is-donor).
at Mon 2026-11-23 08:00
TELIA sends 5_IVER for 02800 from 0 at 10:00 leading to 22000001 for the right holder 974760673 -> 201 scheduled
at Mon 12:00
TELIA sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 22000001 for the right holder 974760673 -> 409 recipient-is-donor
limit TELIA on Tue 2026-11-24 is 0
TELIA sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 40000001 for the right holder 974760673 as A -> 201 scheduled
cap TELIA on Tue 2026-11-24: used 0, free 0
TELIA sends NP_ANNU -> 201 cancelled
TELIA sends 5_IVER for 02800 from TELIA at Tue 10:00 leading to 22000001 for the right holder 974760673 in network LYSE as B -> 201 scheduled
at Tue 10:00
routing 02800 is TELIA in LYSE leading to 22000001
