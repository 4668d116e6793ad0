"""The side that talks: platforms, chat, generator, store. Importing it loads nothing heavy."""
