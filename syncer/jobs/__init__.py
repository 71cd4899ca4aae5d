"""Where sources, remotes, transport, journal and engine are put together."""
