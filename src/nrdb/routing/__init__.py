"""Numbers, the number plan, and the table that says where a call goes."""
