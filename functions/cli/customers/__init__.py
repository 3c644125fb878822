"""The commands about one customer: where he was, and that he be forgotten."""
