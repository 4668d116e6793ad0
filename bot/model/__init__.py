"""The embedded model: a small chat model that comes with the packages, so that no hub is needed."""
