"""What the command line shows in tables and sentences."""
