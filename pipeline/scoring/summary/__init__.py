"""What a run counts of its customers, and what it says of the counts."""
