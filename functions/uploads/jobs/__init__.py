"""Whole files for programs: a job takes one, says how far it is, and leads to the results."""
