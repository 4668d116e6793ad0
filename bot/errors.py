"""Every failure that a person can do something about, said in one sentence.

The text of a `ThumbwiseError` is written for the person who reads it: what is wrong and what to do
next. Entry points print it as it is and exit 1; anything else that escapes is a bug and is logged
with its traceback. Texts never hold secrets, so they may be shown in a channel.
"""


class ThumbwiseError(Exception):
    """The base of all expected failures; its text is one plain sentence for a person."""


class SettingsError(ThumbwiseError):
    """A setting has a value that it cannot take."""


class ModelError(ThumbwiseError):
    """The base model cannot be found, read or used."""


class AdapterError(ThumbwiseError):
    """An adapter directory or version is missing, damaged, or made for another base model."""


class StoreError(ThumbwiseError):
    """The database cannot be opened, is newer than this code, or does not hold what was asked."""


class Busy(ThumbwiseError):
    """The generator's queue is full; the member is asked to try again shortly."""


class Refused(ThumbwiseError):
    """The person asked for something that they may not do, or that makes no sense just now."""
