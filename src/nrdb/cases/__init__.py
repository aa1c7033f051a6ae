"""A case from its order to its end: states, what time does to them, and what people see."""
