"""An asynchronous bulk sync engine for labels: nothing lost, nothing twice, at the remote's own speed limit."""

__version__ = "0.1.0"
