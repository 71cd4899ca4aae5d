"""The sources of changes."""
