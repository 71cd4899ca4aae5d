"""The configuration: one checked value made from options, environment, TOML and the
official client's own file.
"""

from syncer.config.layers import Secrets
from syncer.config.load import load, load_from_environment
from syncer.config.loaded import Loaded
from syncer.config.models import Config

__all__ = ["Config", "Loaded", "Secrets", "load", "load_from_environment"]
