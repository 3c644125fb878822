"""Many customers at once: what is the same for all stands once, and each item is lean."""
