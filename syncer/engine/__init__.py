"""The only tasks of the program: what waits, for whom the core decides."""
