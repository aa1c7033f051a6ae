# Who waits may remind those whom the case waits for, once an hour; a reminder changes nothing (S3 2.3.3, 2.6.1).
at Mon 2026-11-23 08:00
TELIA reminds in an unknown case -> 404 unknown-case
TELIA sends NP_BEST for 90012345 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELENOR's inbox: NP_BEST

# The donor does not answer. Only the recipient reminds it; for strangers there is no such case.
LYSE reminds -> 404 unknown-case
TELENOR reminds -> 409 role-not-permitted by TELIA
TELIA reminds -> 202 TELENOR
TELENOR's inbox: NOTICE reminder
at 08:59:59
TELIA reminds -> 409 reminded-recently reminded_at 08:00, earliest 09:00
# An hour later is late enough, to the second.
at 09:00
TELIA reminds -> 202 TELENOR
TELENOR's inbox: NOTICE reminder
TELIA's inbox: nothing
history: NP_BEST by TELIA to awaiting_donor

# Now it is the recipient's own turn, and then nobody's.
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA reminds -> 409 case-state state awaiting_recipient, kind porting
TELIA sends NP_IVER -> 201 scheduled
the administrator waives everybody in A but LYSE
TELIA reminds -> 409 case-state state scheduled
LYSE's inbox: NP_IVER
COM4's inbox: NP_IVER

# A network does not report. From the porting time on it may be reminded; who is waived is not.
at 10:00
LYSE reminds -> 409 role-not-permitted by TELIA
TELIA reminds -> 202 LYSE
LYSE's inbox: NOTICE reminder
COM4's inbox: nothing
LYSE sends NP_FERD -> 201 completed
TELIA reminds -> 409 case-state state completed

# Nobody is waited for in a case that is obsolete.
TELIA sends NP_BEST for 90012346 from TELENOR at Tue 10:00 -> 201 awaiting_donor
at Tue 10:00
TELIA reminds -> 409 case-state state obsolete
