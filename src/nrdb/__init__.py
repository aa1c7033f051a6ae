"""A Norwegian number-portability clearinghouse: messages in, rules decided, routing out."""

__version__ = "0.1.0"
