"""The places where the rows of a pull go: files, tables, a stream, memory.

A sink knows the layout of rows, and nothing of where they come from.
"""
