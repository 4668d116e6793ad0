"""The methods that send and fetch files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.wire.telegram.entities import LONGEST_CAPTION
from tests.wire.telegram.parameters import Parameters, Upload
from tests.wire.telegram.refusals import Json, bad, blunder
from tests.wire.telegram.writing import deliver, written

if TYPE_CHECKING:
    from tests.wire.telegram.server import BotApi

LARGEST: Final = 20 * 1024 * 1024
"""A bot can fetch files of 20 MB, in bytes."""


@dataclass(frozen=True)
class File:
    """A file that the server keeps. `size` in bytes may claim more than `data` holds."""

    id: str
    name: str
    data: bytes
    media_type: str
    size: int

    def to_json(self) -> Json:
        """What all files have in common."""
        unique = f"u{self.id.removeprefix('file')}"
        return {"file_id": self.id, "file_unique_id": unique, "file_size": self.size}


class Files:
    """All files, by id."""

    def __init__(self) -> None:
        """None yet."""
        self.kept: dict[str, File] = {}

    def keep(self, name: str, data: bytes, media_type: str, size: int | None = None) -> File:
        """Take a file in."""
        number = len(self.kept) + 1
        file = File(f"file{number}", name, data, media_type, len(data) if size is None else size)
        self.kept[file.id] = file
        return file

    def at(self, path: str) -> File | None:
        """The file that getFile said is at a path."""
        return self.kept.get(path.removeprefix("documents/").partition(".")[0])


def send_photo(api: BotApi, parameters: Parameters) -> Json:
    """sendPhoto."""
    file = _taken(api, parameters, "photo")
    if not file.data.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        raise blunder("IMAGE_PROCESS_FAILED")
    size = file.to_json() | {"width": 640, "height": 480}
    return _send(api, parameters, {"photo": [size]})


def send_document(api: BotApi, parameters: Parameters) -> Json:
    """sendDocument."""
    file = _taken(api, parameters, "document")
    parameters.ignore("disable_content_type_detection")
    document = file.to_json() | {"file_name": file.name, "mime_type": file.media_type}
    return _send(api, parameters, {"document": document})


def get_file(api: BotApi, parameters: Parameters) -> Json:
    """getFile."""
    file = api.files.kept.get(parameters.needed_text("file_id"))
    if file is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if file.size > LARGEST:
        raise bad("file is too big")
    return file.to_json() | {"file_path": f"documents/{file.id}.bin"}


def _send(api: BotApi, parameters: Parameters, content: Json) -> Json:
    chat = api.world.writable(parameters.needed_number("chat_id"))
    caption, marks = written(parameters, "caption", "caption_entities", longest=LONGEST_CAPTION)
    parameters.ignore("show_caption_above_media", "has_spoiler")
    named = {"caption": caption, "caption_entities": marks}
    return deliver(api, chat, parameters, content | named).to_json()


def _taken(api: BotApi, parameters: Parameters, field: str) -> File:
    given = parameters.upload(field)
    if isinstance(given, Upload):
        if not given.data:
            raise blunder("file must be non-empty")
        return api.files.keep(given.name, given.data, given.media_type)
    if given is None or given not in api.files.kept:
        raise blunder(f"there is no {field} in the request")
    return api.files.kept[given]
