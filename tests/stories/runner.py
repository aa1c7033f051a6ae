"""Tells a story to the service, line by line. The lines are explained in README.md."""

from tests.stories.lines import administration, batches, cases, messages, numbers, plan, reading, time
from tests.stories.teller import Teller

#: Each module enters its kinds of line when it is imported.
LINES = (administration, batches, cases, messages, numbers, plan, reading, time)

__all__ = ["LINES", "Teller"]
