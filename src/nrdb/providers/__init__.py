"""Who takes part: provider codes, their keys, and how many numbers they may receive on a day."""
