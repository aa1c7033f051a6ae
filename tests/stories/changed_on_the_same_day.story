# The recipient changes the time; the donor answers anew.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_ENDR to 08:34 -> 409 porting-time-too-early T9 earliest 08:35
TELIA sends NP_ENDR to 08:35 -> 201 awaiting_donor
TELIA sends NP_IVER -> 409 case-state state awaiting_donor
TELIA sends NP_ENDR for "Ola Nordmann" -> 201 awaiting_donor
TELENOR's inbox: NP_BEST, NP_ENDR, NP_ENDR
cap TELIA on Mon 2026-11-23: used 1, free 14999
at Mon 08:01
# The customer alone: but 08:35 is less than 35 working minutes ahead by now.
TELIA sends NP_ENDR for "Ola Hansen" -> 409 porting-time-too-early T9 earliest 08:36
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
TELIA sends NP_ENDR to 12:00 -> 409 case-state state scheduled
