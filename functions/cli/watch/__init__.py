"""The command that scores what is dropped: into a folder, or into a bucket."""
