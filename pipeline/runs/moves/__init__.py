"""Moves: what two committed runs say of the same customers, matched by their ids.

`compare_runs` in `compare.py` is the way in, for the command.
"""
