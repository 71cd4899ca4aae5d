"""Where the rows of a pull go: files, tables, a stream, frames in memory. A sink knows the layout of its rows, not where they came from."""
