"""The state folder: what is true, on disk, in order."""
