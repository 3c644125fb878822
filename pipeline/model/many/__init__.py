"""What the model says of one customer, said of many at once, by numpy."""
