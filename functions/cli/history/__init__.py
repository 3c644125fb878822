"""The command that shows runs over time: its options, and what it does."""
