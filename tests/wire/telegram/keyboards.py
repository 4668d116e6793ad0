"""What may stand below a message: inline buttons, or the wish for a reply."""

from __future__ import annotations

from typing import Any, Final

from tests.wire.telegram.entities import units
from tests.wire.telegram.refusals import Json, blunder

_ACTIONS: Final = {
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "copy_text",
    "pay",
}
_STYLES: Final = {"text", "style", "icon_custom_emoji_id"}


def check(markup: Json | None, *, edited: bool = False) -> Json | None:
    """Refuse what Telegram would; an empty inline keyboard is none."""
    if markup is None:
        return None
    if "inline_keyboard" in markup:
        rows = markup["inline_keyboard"]
        if set(markup) != {"inline_keyboard"} or not isinstance(rows, list):
            raise blunder("can't parse inline keyboard markup JSON object")
        buttons = [button for row in rows for button in _row(row)]
        if len(buttons) > 100:
            raise blunder("REPLY_MARKUP_TOO_LONG")
        return markup if buttons else None
    if edited:
        raise blunder("an edited message takes an inline keyboard only")
    if markup.get("force_reply") is True:
        if set(markup) - {"force_reply", "selective", "input_field_placeholder"}:
            raise blunder("can't parse force reply JSON object")
        if units(markup.get("input_field_placeholder", "")) > 64:
            raise blunder("the placeholder of a forced reply is at most 64 characters")
        return markup
    if markup.get("remove_keyboard") is True:
        return None
    raise blunder("this server knows inline keyboards and forced replies only")


def buttons(markup: Json | None) -> list[Json]:
    """The buttons of an inline keyboard, row by row."""
    rows = (markup or {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def _row(row: Any) -> list[Json]:
    if not isinstance(row, list) or not 1 <= len(row) <= 8:
        raise blunder("a row of an inline keyboard holds one to eight buttons")
    for button in row:
        if not isinstance(button, dict) or not button.get("text"):
            raise blunder("text of an inline button is required")
        if len(set(button) & _ACTIONS) != 1 or set(button) - _ACTIONS - _STYLES:
            raise blunder(f"an inline button does exactly one thing, not {sorted(button)}")
        data = button.get("callback_data")
        if "callback_data" in button and (
            not isinstance(data, str) or not 1 <= len(data.encode()) <= 64
        ):
            raise blunder("BUTTON_DATA_INVALID")
    return row
