"""The ports: what the core and the engine ask of the parts around them."""
