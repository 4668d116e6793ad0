"""Which files are read as text, and what they say."""

from __future__ import annotations

import pytest

from bot.platforms.files import decoded, is_text_file


@pytest.mark.parametrize(
    ("name", "media_type", "text"),
    [
        ("a.txt", "text/plain; charset=utf-8", True),
        ("a", "application/json", True),
        ("A.PY", "", True),
        ("a.md", "application/octet-stream", True),
        ("a.txt.exe", "application/octet-stream", False),
        ("txt", "", False),
        ("a.txt", "image/png", False),
        ("a.pdf", "application/pdf", False),
    ],
)
def test_text_files_are_known_by_their_type_and_else_by_their_name(
    name: str, media_type: str, *, text: bool
) -> None:
    assert is_text_file(name, media_type) is text


def test_what_holds_zero_bytes_is_no_text() -> None:
    assert decoded(b"\xef\xbb\xbfcaf\xc3\xa9") == "café"
    assert decoded(b"caf\xe9") == "caf\ufffd"
    assert decoded(b"PK\x03\x04\0\0") is None
