"""The parameters of a call, from a query, a form, a multipart body or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.wire.telegram.refusals import Json, blunder


@dataclass(frozen=True)
class Upload:
    """A file that came in a multipart body."""

    name: str
    data: bytes
    media_type: str


class Parameters:
    """Reads each parameter as what it should be; a missing or misshapen one is a blunder."""

    def __init__(
        self, values: Mapping[str, Any], files: Mapping[str, Upload] | None = None
    ) -> None:
        """`values` holds text from forms, and JSON values from a JSON body."""
        self.values = dict(values)
        self.files = dict(files or {})
        self._read: set[str] = set()

    def text(self, name: str) -> str | None:
        """A string."""
        value = self._get(name)
        if value is not None and not isinstance(value, str):
            raise blunder(f'field "{name}" must be of type String')
        return value

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self._get(name)
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
            return int(value)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise blunder(f'field "{name}" must be a Number')
        return value

    def truth(self, name: str) -> bool:
        """A boolean; absent is false."""
        value = self._get(name)
        if value in (None, False, "false", "False"):
            return False
        if value in (True, "true", "True"):
            return True
        raise blunder(f'field "{name}" must be of type Boolean')

    def thing(self, name: str) -> Json | None:
        """An object."""
        value = self._decoded(name)
        if value is not None and not isinstance(value, dict):
            raise blunder(f"can't parse {name} JSON object")
        return value

    def things(self, name: str) -> list[Any] | None:
        """A list."""
        value = self._decoded(name)
        if value is not None and not isinstance(value, list):
            raise blunder(f"can't parse {name}: expected an Array")
        return value

    def upload(self, name: str) -> Upload | str | None:
        """A file: what was uploaded under the name or by `attach://`, or a file_id."""
        value = self._get(name)
        if isinstance(value, str) and value.startswith("attach://"):
            name, value = value.removeprefix("attach://"), None
        self._read.add(name)
        return self.files.get(name) if value is None else self.text(name)

    def needed_text(self, name: str) -> str:
        """A string that must be there."""
        if (value := self.text(name)) is None:
            raise blunder(f"parameter {name} is required")
        return value

    def needed_number(self, name: str) -> int:
        """A whole number that must be there."""
        if (value := self.number(name)) is None:
            raise blunder(f"parameter {name} is required")
        return value

    def ignore(self, *names: str) -> None:
        """Take what is right to send and makes no difference here."""
        self._read.update(names)

    def unknown(self) -> set[str]:
        """What nobody read: the method has no such parameter."""
        return (set(self.values) | set(self.files)) - self._read

    def _get(self, name: str) -> Any:
        self._read.add(name)
        return self.values.get(name)

    def _decoded(self, name: str) -> Any:
        value = self._get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise blunder(f"can't parse {name} JSON object") from error


async def read(request: web.Request) -> Parameters:
    """Read the query and the body of a request."""
    values: dict[str, Any] = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        body = await request.json()
        if not isinstance(body, dict):
            raise blunder("body must be an object")
        values.update(body)
    elif request.method == "POST":
        for name, field in (await request.post()).items():
            if isinstance(field, web.FileField):
                files[name] = Upload(field.filename, field.file.read(), field.content_type)
            else:
                values[name] = field
    return Parameters(values, files)
