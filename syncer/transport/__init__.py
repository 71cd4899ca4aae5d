"""Requests over the network: a request in, an answer out, or why none came."""
