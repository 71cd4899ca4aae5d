"""A local stand-in for the remote, independent of the codecs."""
