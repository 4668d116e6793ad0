"""The web console: chat, review and learning in a browser, for whoever holds its key."""

from bot.console.console import Console
from bot.console.key import kept_key

__all__ = ["Console", "kept_key"]
