"""Scoring a file: rows in, rows and counts out. It knows no run, bucket or store of results."""
