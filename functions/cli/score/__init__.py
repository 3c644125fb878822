"""`customer-clusters score`: files in, runs out."""
