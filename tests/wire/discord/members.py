"""People on the server: they talk, react, click and give commands as Discord lets people do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simcord.backend import serializers
from simcord.backend.command_access import command_access
from simcord.backend.models import Channel, Guild, Interaction, Message
from simcord.components import walk_components
from simcord.enums import AppCommandType, ComponentType, InteractionType
from simcord.interactions import base_payload, check_options, nest_options, walk_to_subcommand

if TYPE_CHECKING:
    from tests.wire.discord.server import DiscordServer


@dataclass(frozen=True)
class Asked:
    """An interaction that somebody began, and what the bot made of it."""

    server: DiscordServer
    record: Interaction

    def messages(self) -> list[Message]:
        """What this person was answered with: the response, if it is a new message, and more."""
        record, source = self.record, self.record.source_message_id
        ids = [i for i in (record.message_id, *record.followup_ids) if i and i != source]
        kept = self.server.backend.messages[record.channel_id]
        return [kept[i] for i in ids if i in kept and not kept[i].flags & _LOADING]

    @property
    def modal(self) -> dict[str, Any] | None:
        """The form that the bot opened."""
        return self.record.modal

    async def answer(self) -> Message:
        """Wait for the first message that answers it."""
        found = await self.server.bell.until(self.messages, "the answer to an interaction")
        return found[0]

    async def acknowledged(self) -> Asked:
        """Wait until the bot has responded in some way (also: thinking, a form)."""
        await self.server.bell.until(lambda: self.record.responded, "a response")
        return self


THUMBS = ["👍", "👎", "🔁", "✏️"]
"""The buttons of a reply that can be judged."""

_LOADING = 1 << 7


@dataclass(frozen=True)
class Member:
    """One person, in one guild or (None) in their direct messages with the bot."""

    server: DiscordServer
    id: int
    guild: Guild | None = None

    @property
    def name(self) -> str:
        """The name that others see."""
        return self.server.backend.users[self.id].name

    def dm(self) -> Channel:
        """Their direct channel with the bot."""
        return self.server.backend.get_dm_channel(self.id)

    def say(
        self,
        channel: Channel,
        text: str,
        *,
        mention: bool = False,
        reply_to: Message | None = None,
        files: Sequence[tuple[str, bytes]] = (),
    ) -> Message:
        """Send a message, on request one that mentions the bot or replies to another."""
        backend = self.server.backend
        reference = None
        if reply_to is not None:
            reference = {"channel_id": str(channel.id), "message_id": str(reply_to.id)}
        return backend.create_message(
            channel.id,
            self.id,
            f"<@{backend.bot_user.id}> {text}" if mention else text,
            reference=reference,
            attachments=backend.store_attachments(channel.id, files),
        )

    def edit(self, message: Message, text: str) -> None:
        """Change a message of their own."""
        self.server.backend.edit_message(message.channel_id, message.id, {"content": text})

    def delete(self, message: Message) -> None:
        """Delete a message."""
        self.server.backend.delete_message(message.channel_id, message.id)

    def react(self, message: Message, emoji: str) -> None:
        """Add a reaction."""
        self.server.backend.add_reaction(message.channel_id, message.id, emoji, self.id)

    def unreact(self, message: Message, emoji: str) -> None:
        """Take a reaction back."""
        self.server.backend.remove_reaction(message.channel_id, message.id, emoji, self.id)

    def click(self, message: Message, button: str) -> Asked:
        """Click a button, found by its emoji, its label or the beginning of its custom_id."""
        found = [b for b in buttons(message) if _is_called(b, button)]
        if not found:
            raise AssertionError(f"no button {button!r} under {message.content!r}")
        data = {"custom_id": found[0]["custom_id"], "component_type": int(ComponentType.BUTTON)}
        if "id" in found[0]:
            data["id"] = found[0]["id"]
        return self._ask(
            InteractionType.MESSAGE_COMPONENT, message.channel_id, data, source=message
        )

    def submit(self, asked: Asked, *values: str) -> Asked:
        """Fill a form's text fields in their order, and send it."""
        if asked.modal is None:
            raise AssertionError("no form was opened")
        remaining = iter(values)
        components = [_filled(part, remaining) for part in asked.modal["components"]]
        data = {"custom_id": asked.modal["custom_id"], "components": components}
        kept = self.server.backend.messages[asked.record.channel_id]
        source = kept.get(asked.record.source_message_id or 0)
        return self._ask(InteractionType.MODAL_SUBMIT, asked.record.channel_id, data, source=source)

    def slash(self, channel: Channel, line: str, **options: Any) -> Asked:
        """Give a command such as "train now"; options by name."""
        name, *path = line.split()
        root = self._command(channel, name, AppCommandType.CHAT_INPUT)
        leaf, nesting = walk_to_subcommand(root, path)
        declared = {option["name"]: option for option in leaf.get("options") or []}
        given = [
            {"name": key, "type": declared[key]["type"], "value": value}
            for key, value in check_options(line, leaf, options).items()
        ]
        data = {
            "id": root["id"],
            "name": name,
            "type": int(AppCommandType.CHAT_INPUT),
            "options": nest_options(root, nesting, given),
        }
        return self._ask(InteractionType.APPLICATION_COMMAND, channel.id, data)

    def menu(self, message: Message, name: str) -> Asked:
        """Choose from the context menu of a message."""
        backend = self.server.backend
        channel = backend.get_channel(message.channel_id)
        root = self._command(channel, name, AppCommandType.MESSAGE)
        payload = dict(serializers.message_payload(backend, message))
        data = {
            "id": root["id"],
            "name": name,
            "type": int(AppCommandType.MESSAGE),
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): payload}},
        }
        return self._ask(InteractionType.APPLICATION_COMMAND, channel.id, data)

    def _command(self, channel: Channel, name: str, kind: AppCommandType) -> dict[str, Any]:
        """A command that the bot has registered and this person can see here."""
        backend = self.server.backend
        root = backend.find_command(name, channel.guild_id, kind)
        if root is None:
            raise AssertionError(f"the bot has no command {name!r}")
        access = command_access(backend, root, user_id=self.id, channel_id=channel.id)
        if not access.allowed:
            raise AssertionError(f"{self.name} cannot see {name!r}: {access.reason}")
        return root

    def _ask(
        self,
        kind: InteractionType,
        channel_id: int,
        data: dict[str, Any],
        *,
        source: Message | None = None,
    ) -> Asked:
        backend = self.server.backend
        record, payload = base_payload(
            backend,
            type=int(kind),
            channel_id=channel_id,
            guild_id=self.guild.id if self.guild is not None else None,
            user_id=self.id,
            data=data,
        )
        if source is not None:
            payload["message"] = dict(serializers.message_payload(backend, source))
            record.source_message_id = source.id
        backend.emit("INTERACTION_CREATE", payload)
        return Asked(self.server, record)


def buttons(message: Message) -> list[dict[str, Any]]:
    """The buttons under a message that can be clicked."""
    return [
        component
        for component in walk_components(message.components)
        if component.get("type") == ComponentType.BUTTON
        and component.get("custom_id")
        and not component.get("disabled")
    ]


def thumbs(message: Message) -> list[str]:
    """The emoji of the buttons under a message."""
    return [(button.get("emoji") or {}).get("name", "") for button in buttons(message)]


def _is_called(button: dict[str, Any], name: str) -> bool:
    emoji = (button.get("emoji") or {}).get("name")
    return name in (emoji, button.get("label")) or button["custom_id"].startswith(name)


def _filled(part: dict[str, Any], values: Iterator[str]) -> dict[str, Any]:
    """A part of a form as a client sends it back."""
    sent = {key: part[key] for key in ("type", "id", "custom_id") if key in part}
    if part["type"] == ComponentType.TEXT_INPUT:
        return sent | {"value": next(values, part.get("value", ""))}
    if "component" in part:
        return sent | {"component": _filled(part["component"], values)}
    return sent | {"components": [_filled(inner, values) for inner in part.get("components", [])]}
