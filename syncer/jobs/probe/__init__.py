"""The questions that the documents of a service leave open, and what it answers."""
