# Why a number cannot be ported, and when it can (contract 5, portability).
at Fri 2026-11-20 15:50
90012345 can be ported from Mon 08:25 on
59900001 cannot be ported: number-not-portable
45360001 cannot be ported: number-not-in-use
02800 can be ported from 16:20 on
routing 99999999 is unknown
routing 02800 is 0
TELIA sends NP_BEST for 90012345 from TELENOR at Mon 08:25 -> 201 awaiting_donor
90012345 cannot be ported: number-in-open-case
TELIA sends NP_BEST for 90012345 from LYSE at Mon 10:00 -> 409 donor-not-holder
TELIA sends NP_BEST for 90012346 from TELIA at Mon 10:00 -> 409 donor-not-holder donor TELIA, numbers 90012346
