# A series is entered; no two overlap; blocked and returned ones are not ported (contract 5, 8).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 94000001 from LYSE at 10:00 -> 409 number-unknown numbers 94000001
the administrator adds the series 94000000-94009999 for LYSE -> 201
the series of 94000001 is 94000000-94009999, held by LYSE, open
routing 94000001 is LYSE
TELIA sends NP_BEST for 94000001 from LYSE at 10:00 -> 201 awaiting_donor
the administrator adds the series 94009999-94019999 for TELIA -> 409 series-overlap count 1
the administrator adds the series 93990000-94000000 for TELIA -> 409 series-overlap count 1
the administrator adds the series 94010000-94019999 for DSB blocked -> 201
TELIA sends NP_BEST for 94010001 from DSB at 10:00 -> 409 number-not-portable
the administrator adds the series 94020000-94029999 for 0 returned -> 201
TELIA sends NP_BEST for 94020001 from 0 at 10:00 -> 409 number-not-in-use
the administrator adds the series 94030000-94039999 for LYSE returned -> 422 invalid-message
the administrator adds the series 94030000-94039999 for NOBODY -> 422 invalid-message
audit log: series-created, series-created, series-created
