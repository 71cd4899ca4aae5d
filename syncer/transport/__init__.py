"""Requests over the network: a request in, an answer out, or why there is none."""
