"""What a request brings and an answer takes: bodies, how they are packed, kept and cut down."""
