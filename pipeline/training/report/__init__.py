"""The page about a trained model, and its charts."""
