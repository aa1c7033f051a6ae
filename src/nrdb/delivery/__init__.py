"""How what was said reaches those it was said to: one log, read by position."""
