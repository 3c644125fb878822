"""Reading and scoring in a process of its own, which may die."""
