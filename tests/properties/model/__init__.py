"""A small clearinghouse in plain Python, for the intake to be held against. It imports nothing of the service."""
