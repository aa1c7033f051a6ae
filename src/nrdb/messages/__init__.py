"""What providers may say: the wire forms, the rules that decide on them, and who is told."""
