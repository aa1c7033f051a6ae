"""The rulebook of a country: every value of the rules as data, read strictly and frozen."""

from nrdb.rulebook.model import (
    Assumptions,
    BlockLimit,
    CalendarRules,
    Cap,
    Hours,
    NumberClass,
    NumberClassRules,
    Pattern,
    Reason,
    Refusal,
    Rulebook,
    RulebookError,
    Text,
    Timer,
    TimerUnit,
    load_rulebook,
)

__all__ = [
    "Assumptions",
    "BlockLimit",
    "CalendarRules",
    "Cap",
    "Hours",
    "NumberClass",
    "NumberClassRules",
    "Pattern",
    "Reason",
    "Refusal",
    "Rulebook",
    "RulebookError",
    "Text",
    "Timer",
    "TimerUnit",
    "load_rulebook",
]
