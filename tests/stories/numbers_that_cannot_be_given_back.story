# Only the holder gives back, only ported numbers, to one range holder, and none that another case has (contract 6).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345, 90012346, 90012347 from TELENOR at 09:00 -> 201 awaiting_donor
TELENOR sends NP_GODK -> 201 awaiting_recipient
TELIA sends NP_IVER -> 201 scheduled
TELIA sends NP_BEST for 47000001 from LYSE at 09:00 as B -> 201 awaiting_donor
LYSE sends NP_GODK in B -> 201 awaiting_recipient
TELIA sends NP_IVER in B -> 201 scheduled
TELIA sends NP_OPPS for 90012345 at 12:00 -> 409 donor-not-holder numbers 90012345
at Mon 10:00
LYSE sends NP_OPPS for 90012345 at 12:00 -> 409 donor-not-holder donor LYSE
TELIA sends NP_OPPS for 40000001 at 12:00 -> 409 not-ported numbers 40000001
TELIA sends NP_OPPS for 90012345, 40000001 at 12:00 -> 409 not-ported numbers 40000001, count 1
TELIA sends NP_OPPS for 90012345, 47000001 at 12:00 -> 409 range-holders-differ
TELIA sends NP_OPPS for 02800 at 12:00 -> 409 five-digit-message-required
TELIA sends NP_OPPS for 99999999 at 12:00 -> 409 number-unknown
TELIA sends NP_OPPS for 59900001 at 12:00 -> 409 number-not-portable
TELIA sends NP_OPPS for 90012345, 22000001 at 12:00 -> 409 mixed-number-classes
TELIA sends NP_OPPS for 90012345, 90012345 at 12:00 -> 409 duplicate-number
LYSE sends NP_BEST for 90012346 from TELIA at 14:00 as C -> 201 awaiting_donor
TELIA sends NP_OPPS for 90012346 at 12:00 -> 409 number-in-open-case until 14:00
TELIA sends NP_OPPS for 90012345-90012347 at 12:00 -> 409 number-in-open-case numbers 90012346, count 1
TELIA sends NP_OPPS for 90012345, 90012347 at 12:00 as D -> 201 awaiting_termination
LYSE sends NP_BEST for 90012347 from TELIA at 14:00 -> 409 number-in-open-case until none
TELIA sends NP_OPPS for 90012347 at 14:00 -> 409 number-in-open-case
