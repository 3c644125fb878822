"""Outcomes: what became of the customers of a committed run, beside what training led to expect.

`outcomes_of` in `measure.py` is the way in; `store.py` keeps what it gives, `page.py` shows it.
"""
