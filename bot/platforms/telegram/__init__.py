"""Telegram: the only package that knows python-telegram-bot. `platform.Telegram` is its door."""
