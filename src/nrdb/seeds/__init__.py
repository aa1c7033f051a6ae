"""Example data to try the service with."""
