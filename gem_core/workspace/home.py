"""The home folder: where workspaces without a given folder are stored."""

import os
from pathlib import Path


def home() -> Path:
    """Return the home folder for workspaces without a given folder: $GEM_EXPLORER_HOME, else ~/.gem-explorer."""
    return Path(os.environ.get("GEM_EXPLORER_HOME", "~/.gem-explorer")).expanduser()
