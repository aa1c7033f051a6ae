# At the porting time itself it is too late to answer, to change and to execute, and just in time to report.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends NP_BEST for 90012346 from TELENOR at 10:00 as B -> 201 awaiting_donor
TELENOR sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_BEST for 90012347 from TELENOR at 10:00 as C -> 201 awaiting_donor
TELENOR sends NP_GODK in C -> 201 awaiting_recipient
TELIA sends NP_IVER in C -> 201 scheduled
at Mon 09:59:59
TELENOR sends NP_FERD in C -> 409 too-early-to-complete T15 earliest 10:00
TELENOR sends NP_FERD in A -> 409 case-state state awaiting_donor
at Mon 10:00
TELENOR sends NP_GODK in A -> 409 porting-time-passed porting_time 10:00
TELENOR sends NP_GODK in A -> 409 porting-time-passed porting_time 10:00
TELENOR sends NP_FBES in A because number-not-held -> 409 porting-time-passed
TELIA sends NP_ENDR in A to 14:00 -> 409 porting-time-passed
TELIA sends NP_IVER in B -> 409 porting-time-passed
TELIA sends NP_IVER in A -> 409 case-state state obsolete
TELENOR sends NP_GODK in B -> 409 case-state state obsolete
LYSE sends NP_FIVE in C saying "no route" -> 409 porting-time-passed
TELENOR sends NP_FERD in C -> 201 awaiting_completion
LYSE sends NP_FIVE in C saying "no route" -> 409 porting-time-passed
the case in A is obsolete
the case in B is obsolete
