"""What runs the product elsewhere: the image and its entry point."""
