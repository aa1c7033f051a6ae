# The sandbox clock never goes back (contract 9, clock-backwards).
at Mon 2026-11-23 08:00
the clock is set to 07:59:59 -> 409 clock-backwards
the clock is set to 08:00 -> 200
the clock is set to 09:00 -> 200
at Mon 09:00
TELIA sends NP_BEST for 90012345 from TELENOR at 09:34:59 -> 409 porting-time-too-early T9 earliest 09:35
