"""A trained model and its contract; one customer needs the standard library only."""
