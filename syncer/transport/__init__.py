"""Requests over the network: one request in, one answer or the reason why there is none
out.
"""
