"""Decisions: values in, values out.

Nothing here awaits, reads a clock, touches a file or rolls dice of its own.
"""
