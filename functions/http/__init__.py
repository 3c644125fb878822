"""The JSON API: what a request passes, what answers it, and the document that describes it."""
