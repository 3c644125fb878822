"""What the pages show. Nothing here is imported before the first page is asked for."""
