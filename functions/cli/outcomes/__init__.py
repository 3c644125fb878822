"""The command that holds what became of customers against what was expected."""
