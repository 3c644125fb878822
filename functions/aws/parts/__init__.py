"""Large files scored in parts, by as many calls of the batch function."""
