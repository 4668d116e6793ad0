"""The commands of `thumbwise` that look into the store, and what all commands share."""
