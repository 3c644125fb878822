"""What every page that this product writes has in common."""
