"""What compose.yml mounts, and the verbs that start and stop it."""
