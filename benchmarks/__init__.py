"""The performance figures, each printed by one command."""
