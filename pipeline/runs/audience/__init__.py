"""Audiences: a list of customers of a committed run, to be handed to a campaign.

`write_audience` in `write.py` is the way in, for the command, the page and the HTTP interface.
"""
