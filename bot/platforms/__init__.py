"""The doors: a platform's events become `Message`s, the bot's words take the platform's form."""
