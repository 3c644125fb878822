"""What became of the runs of one results folder over time: the ledger, and what it shows."""
