"""How fast, and how sure: measured beside a floor, in one run."""
