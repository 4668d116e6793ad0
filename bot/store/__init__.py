"""All durable state: one database, and one module for each subject.

Functions take a connection from `Database.read()` or `Database.write()`, so that a caller composes
several of them into one transaction. A write is on disk when its `write()` block has ended.
"""
