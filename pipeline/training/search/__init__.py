"""Finding the recipe by evidence."""
