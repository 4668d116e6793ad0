"""Messages that are edited or deleted, also while the bot still reads them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import discord
import pytest

from tests.platforms.discord.conftest import PATIENT, Town

pytestmark = PATIENT


@dataclass
class Files:
    """Files that are read only when the test lets go of them, by their names."""

    town: Town
    gates: dict[str, asyncio.Event] = field(default_factory=dict)

    async def read(self, name: str) -> bytes:
        gate = self.gates.setdefault(name, asyncio.Event())
        await self.town.env.external_wait(gate.wait(), reason="the test decides")
        return f"what is in {name}".encode()

    async def let_go(self, name: str) -> None:
        self.gates[name].set()
        await self.town.env.settle()


@pytest.fixture
def files(town: Town, monkeypatch: pytest.MonkeyPatch) -> Files:
    files = Files(town)

    async def read(self: discord.Attachment) -> bytes:
        return await files.read(self.filename)

    monkeypatch.setattr(discord.Attachment, "read", read)
    return files


async def change(town: Town, message: discord.Message, text: str, *names: str) -> None:
    """Let a message say something else, with other files."""
    kept = town.env.backend.store_attachments(town.channel.id, [(name, b"...") for name in names])
    new = {"content": text, "attachments": kept}
    town.env.backend.edit_message(town.channel.id, message.id, new)
    await town.env.settle()


async def test_a_message_that_is_deleted_while_its_file_is_read_is_dropped(
    town: Town, files: Files
) -> None:
    said = await town.ana.send(town.channel, f"{town.me} hi", attachments=[("a.txt", b"...")])
    await town.ana.delete(said)
    await files.let_go("a.txt")
    assert not town.hall.messages
    assert not town.replies


async def test_a_message_that_is_edited_while_its_file_is_read_is_answered_as_it_is_then(
    town: Town, files: Files
) -> None:
    said = await town.ana.send(town.channel, f"{town.me} hi", attachments=[("a.txt", b"...")])
    await change(town, said, f"{town.me} hello")
    await files.let_go("a.txt")
    assert [m.text for m in town.hall.messages] == ["hello"]
    assert [m.content for m in town.replies] == ["You said: hello"]


async def test_the_last_of_two_quick_edits_counts_however_long_the_first_one_takes(
    town: Town, files: Files
) -> None:
    said = await town.ana.send(town.channel, "one")
    await change(town, said, "two", "slow.txt")
    await change(town, said, "three", "quick.txt")
    await files.let_go("quick.txt")
    await files.let_go("slow.txt")
    text = "three\n\n[file: quick.txt]\nwhat is in quick.txt"
    assert [edit[1:] for edit in town.hall.edits] == [(str(said.id), text)]


async def test_a_file_that_is_taken_away_is_no_longer_part_of_the_message(town: Town) -> None:
    said = await town.ana.send(town.channel, "look", attachments=[("a.txt", b"secret")])
    assert "secret" in town.hall.messages[0].text
    await change(town, said, "look")
    assert [edit[1:] for edit in town.hall.edits] == [(str(said.id), "look")]


async def test_a_message_that_says_nothing_any_more_is_as_good_as_deleted(town: Town) -> None:
    said = await town.ana.send(town.channel, town.me, attachments=[("a.txt", b"secret")])
    await change(town, said, town.me)
    assert [deletion[1] for deletion in town.hall.deletions] == [{str(said.id)}]
