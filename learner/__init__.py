"""The learner: turns what a community said of the replies into a new adapter, round by round.

It meets the bot only in the database and in finished adapter directories, and imports of it only
its domain, settings, renderer, store and generator.
"""
