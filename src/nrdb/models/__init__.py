"""The schema, declared once. Migrations create it; a check holds the two equal. Statements are written in SQL in the
stores, because the database does half of the work here: ranges, exclusion, compare-and-set.

Rules of concurrency that live in the schema, so that no code path can forget them:

* `case_numbers`: no number is in two cases at one time. Time is part of the constraint, so a case whose porting time
  has passed stops blocking at that very instant, with no worker and no clean-up (S3 2.4.2).
* `series` and `routing`: no number has two answers at one time.
* `message_log`: one `message_id` of a sender stands for one message, for ever. `refusal`: the same message at once is
  not accepted and refused; see `hold_message` in the third migration.
* `inbox.seq` comes from `inbox_next_seq()`, which marks the writer's place until its transaction has ended; see
  `delivery.inbox` for what readers do with it.
"""

from nrdb.models import cases, console, delivery, world
from nrdb.models.base import metadata

__all__ = ["cases", "console", "delivery", "metadata", "world"]
