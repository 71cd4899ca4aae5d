"""Pushes of the incumbents and of syncer under the same faults: what came of them."""
