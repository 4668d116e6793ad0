"""Every setting, its default and its one line of meaning. `.env.example` is written from here.

Read from the environment, then from `.env` in the working directory. No instance is made at
import; `load()` turns a wrong value into one plain sentence that names the variable.
"""

from bot.settings.settings import Settings, load, prepared, unknown_names

__all__ = ["Settings", "load", "prepared", "unknown_names"]
