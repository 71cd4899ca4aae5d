"""Remotes: pure codecs between changes and what a service speaks."""
