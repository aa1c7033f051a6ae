"""The HTTP edge: who asks, whether the form is right, and how answers and refusals are written. It decides nothing."""
