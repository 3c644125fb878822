"""What `make policy` asks of everything that is deployed; it runs in an environment of its own."""
