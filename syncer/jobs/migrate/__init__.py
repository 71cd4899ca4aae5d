"""A migration: labels of an app, a project or files into an app, as one job of phases
that each leave something whole behind.

assess ──► read ──► convert ──► prepare ──► push ──► verify ──► repair ──► verify
"""
