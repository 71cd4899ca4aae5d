"""The state folder: what came true, durable, in order.

The format is docs/journal.md.
"""
