"""The jobs: sources, remotes, transport, journal and engine put together."""
