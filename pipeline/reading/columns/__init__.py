"""Which column of a file is which of a contract."""
