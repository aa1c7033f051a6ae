# The same sender and message_id with the same content is the same message, whenever it comes (contract 2, idempotency).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347 from TELENOR at 10:00 as A -> 201 awaiting_donor
TELIA sends the same message again -> 200 awaiting_donor
TELIA sends the same message again, spelled otherwise -> 200 awaiting_donor
TELIA sends the same message again, at 10:01 -> 409 duplicate-message
# The first answer, even when the case has gone on and the porting time has passed.
TELENOR sends NP_GODK -> 201 awaiting_recipient
at Tue 12:00
TELIA sends the same message again -> 200 awaiting_donor
the case in A is obsolete
TELENOR's inbox: NP_BEST, NOTICE obsolete
TELENOR sends the same message again -> 200 awaiting_recipient
# What was refused is not remembered: it may be corrected and sent under the same message_id.
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 12:10 -> 409 porting-time-too-early T9 earliest 12:35
TELIA sends the same message again, at Tue 12:35 -> 201 awaiting_donor
TELIA sends the same message again, at Tue 12:35 -> 200 awaiting_donor
