"""What is said of clusters: their ids, names, descriptions and where they come from."""
