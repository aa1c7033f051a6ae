"""The acts of the demo, each a small function that reads like a story."""
