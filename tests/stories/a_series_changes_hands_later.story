# A change set for later happens at its very instant, whoever looks first (contract 8, valid_from).
at Mon 2026-11-23 08:00
TELIA sends NP_BEST for 90012345 from TELENOR at Tue 10:00 as A -> 201 awaiting_donor
the administrator gives the series of 90012345 to LYSE at 07:59:59 -> 409 effective-time-passed now 08:00
the administrator gives the series of 90012345 to LYSE at 12:00 -> 200
planned changes: series-changed
routing 90012346 is TELENOR
routing 90012346 becomes LYSE at 12:00
routing 90012346 is LYSE at 12:00
the administrator gives the series of 90012345 to CHILI at 13:00 -> 409 series-overlap
the administrator makes LYSE inactive -> 409 provider-in-use code LYSE
at Mon 11:59:59
TELIA sends NP_BEST for 90012346 from LYSE at Tue 10:00 -> 409 donor-not-holder
at Mon 12:00
TELIA sends NP_BEST for 90012346 from LYSE at Tue 10:00 -> 201 awaiting_donor
the case in A has donor LYSE
history in A: NP_BEST at 08:00, plan-change by NRDB at 12:00 to awaiting_donor
planned changes: none
# Another one is set and cancelled.
the administrator gives the series of 22000001 to LYSE at 14:00 -> 200
the administrator cancels the planned change -> 204
at Mon 14:00
routing 22000001 is TELENOR
audit log: series-change-planned, series-changed, series-change-planned, planned-change-cancelled
