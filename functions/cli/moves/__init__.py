"""The command that compares two runs of the same customers: its options, and what it does."""
