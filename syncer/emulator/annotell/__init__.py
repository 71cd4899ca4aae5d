"""The stand-in for the APIs of Annotell and Kognic."""
