# Numbers of a series that was given back to Nkom are assigned, not ported.
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 45360001 from 0 at 10:00 -> 409 number-not-in-use numbers 45360001
TELIA sends NP_BEST for 45360001 from TELENOR at 10:00 -> 409 number-not-in-use numbers 45360001
TELIA sends NP_BEST for 45360000-45360009 from 0 at 10:00 -> 409 number-not-in-use numbers 45360000-45360009, count 10
TELIA sends NP_BEST for 99999999 from TELENOR at 10:00 -> 409 number-unknown numbers 99999999
TELIA sends NP_BEST for 02800 from TELENOR at 10:00 -> 409 five-digit-message-required numbers 02800
routing 45360001 is 0
