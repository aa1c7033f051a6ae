"""Working time, and the earliest and latest instants that T9 to T18 set (S3 2.2.1)."""

from nrdb.texts import OSLO
from nrdb.timers.calendar import WorkingCalendar, oslo_day, working_calendar
from nrdb.timers.windows import (
    Bound,
    earliest_completion,
    earliest_execution,
    earliest_order,
    earliest_return,
    earliest_termination,
    latest_execution_sending,
    latest_porting,
    latest_stop,
    latest_termination,
)

__all__ = [
    "OSLO",
    "Bound",
    "WorkingCalendar",
    "earliest_completion",
    "earliest_execution",
    "earliest_order",
    "earliest_return",
    "earliest_termination",
    "latest_execution_sending",
    "latest_porting",
    "latest_stop",
    "latest_termination",
    "oslo_day",
    "working_calendar",
]
