"""Pushes of the incumbents and of syncer under the same faults, and what came of them."""
