"""Administrators' changes of the number plan and of codes: what they refuse, what follows, now or at a set time."""
