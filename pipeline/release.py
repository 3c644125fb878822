"""The release of the product: written into logs, results, models and answers."""

RELEASE = "1.0.0"
"""That of pyproject.toml, where packaging tools look; a test holds that they agree. It stands in
the code because Spark gets the code alone, and because to ask the installed package takes 6 ms."""
