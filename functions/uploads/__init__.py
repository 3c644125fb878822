"""Whole files over HTTP: scored here, or sent to S3 and scored there."""
