"""Entry points. They translate, and nothing else."""
