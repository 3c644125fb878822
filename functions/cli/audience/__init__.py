"""The command that lists customers of a run: its options, and what it does."""
