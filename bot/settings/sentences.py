"""What a wrong setting is answered with: one sentence that names it and says what it takes."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

_KINDS: dict[Any, str] = {
    bool: "true or false",
    Path: "a path",
    SecretStr: "UTF-8 text",
    str: "UTF-8 text",
}


def about(problem: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> str:
    """The sentence for one of pydantic's problems.

    A validator of ours says what it wants, beginning with "takes"; all else is said by the kind of
    the field, never in pydantic's words. The wrong value is left out: it may be a misplaced secret.
    """
    own = problem.get("ctx", {}).get("error")
    if not problem["loc"]:
        return f"{own}."
    name = str(problem["loc"][0])
    return f"{name.upper()} {own or 'takes ' + kind(fields[name])}."


def kind(field: FieldInfo) -> str:
    """What a setting takes, as the end of a sentence."""
    annotation = field.annotation
    if get_origin(annotation) in (Union, types.UnionType):
        [annotation] = (one for one in get_args(annotation) if one is not type(None))
        return f"{_plain(annotation, field)}, or nothing"
    return _plain(annotation, field)


def _plain(annotation: Any, field: FieldInfo) -> str:
    if get_origin(annotation) is Literal:
        *others, last = map(str, get_args(annotation))
        return f"{', '.join(others)} or {last}"
    if get_origin(annotation) is tuple:
        return "words separated by commas"
    if annotation in (int, float):
        number = "a whole number" if annotation is int else "a number"
        return f"{number} {_range(field.metadata)}"
    return _KINDS[annotation]


def _range(bounds: Iterable[Any]) -> str:
    names = ("ge", "gt", "le", "lt")
    limit = {name: getattr(b, name) for b in bounds for name in names if hasattr(b, name)}
    if {"ge", "le"} <= limit.keys():
        return f"from {limit['ge']} to {limit['le']}"
    least = f"above {limit['gt']}" if "gt" in limit else f"of at least {limit['ge']}"
    most = f"below {limit['lt']}" if "lt" in limit else f"at most {limit['le']}"
    return f"{least} and {most}"


def unreadable(line: int) -> str:
    """The sentence for a line of `.env` that sets nothing."""
    return f".env line {line} cannot be read: is a quote not closed, or the = missing?"


def unknown(name: str, known: Iterable[str]) -> str:
    """The sentence for a name in `.env` that is no setting."""
    near = get_close_matches(name.lower(), known, n=1)
    meant = f"; {near[0].upper()} may be meant" if near else ""
    return f".env sets {name.upper()}, which is no setting and does nothing{meant}."
