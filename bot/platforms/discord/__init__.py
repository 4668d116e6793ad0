"""Discord: the only package that knows discord.py. `platform.Discord` is its door."""
