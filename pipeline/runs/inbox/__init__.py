"""What was dropped into a bucket and waits to be scored, for those whom no event tells of it."""
