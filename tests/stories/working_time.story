# What the calendar answers: hours, holidays, and a day that the administrator closes (contract 7, 8).
at Mon 2026-11-23 08:00
35 working minutes from Mon 15:25 end at 16:00
35 working minutes from Mon 15:25:01 end at Tue 2026-11-24 08:00:01
35 working minutes from Fri 2026-11-20 15:50 end at Mon 2026-11-23 08:25
# Christmas Eve is a working day, Christmas Day is none; then it is Saturday, Sunday, Monday.
Thu 2026-12-24 is a working day
Fri 2026-12-25 is no working day
35 working minutes from Thu 2026-12-24 15:50 end at Mon 2026-12-28 08:25
closed Thu 2026-12-24
Thu 2026-12-24 is no working day
35 working minutes from Wed 2026-12-23 15:50 end at Mon 2026-12-28 08:25
# 1 January is a Friday; the 60th working day from today, less the closed day.
Fri 2027-01-01 is no working day
60 working days from Mon 2026-11-23 08:00 end at Thu 2027-02-18 24:00
# Easter 2027, and both changes of the clock.
Thu 2027-03-25 is no working day
Mon 2027-03-29 is no working day
35 working minutes from Wed 2027-03-24 15:50 end at Tue 2027-03-30 08:25
35 working minutes from Fri 2026-10-23 15:50 end at Mon 2026-10-26 08:25
audit log: day-closed
