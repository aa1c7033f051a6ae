"""What an operator looks at of a morning: what is overdue, a day's figures, room, long terminations, empty series.

Every report is one or a few statements on committed data, true at the instant at which it is read, worker or none. None
holds up a message, and none shows personal data.
"""
