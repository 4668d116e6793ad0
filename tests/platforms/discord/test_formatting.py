"""Discord's markup as readable text, and the arguments that a usage describes."""

from __future__ import annotations

import pytest

from bot.platforms.discord.commands import Parameter, outline, parameters
from bot.platforms.discord.formatting import (
    Names,
    embedded,
    plain,
    quoted,
    spoken_to,
    thumb,
)
from bot.platforms.discord.judging import written
from bot.platforms.discord.permissions import NEEDED, invite_link

NAMES = Names({1: "Ana"}, {2: "cooks"}, {3: "general"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@1> <@!1> <@9>", "@Ana @Ana @somebody"),
        ("<@&2> <@&9> <#3> <#9>", "@cooks @a role #general #a channel"),
        ("<:smile:123> <a:wave:456>", ":smile: :wave:"),
        ("<t:1700000000:F> <t:1700000000>", "2023-11-14 22:13 UTC 2023-11-14 22:13 UTC"),
        ("<t:9999999999999:F>", "<t:9999999999999:F>"),
        ("</train now:77>", "/train now"),
        ("a <b> c <3 <@x>", "a <b> c <3 <@x>"),
    ],
)
def test_marks_become_words(text: str, expected: str) -> None:
    assert plain(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@7> hi", "hi"),
        ("<@!7>, <@7>: hi", "hi"),
        ("hi <@7>", "hi"),
        ("what does <@7> know?", "what does <@7> know?"),
        ("<@8> hi", "<@8> hi"),
        ("<@7>", ""),
    ],
)
def test_the_bots_own_mention_is_no_part_of_what_is_said(text: str, expected: str) -> None:
    assert spoken_to(text, 7) == expected


def test_embeds_become_lines() -> None:
    assert embedded("Title", " ", [("Size", "3")]) == "Title\nSize: 3"


def test_a_question_is_quoted_with_its_speaker() -> None:
    assert quoted("a*b", "one\ntwo") == "> **a\\*b**: one\n> two"


@pytest.mark.parametrize(
    ("emoji", "expected"), [("👍🏽", "👍"), ("👎", "👎"), ("🎉", ""), ("", "")]
)
def test_thumbs_of_all_colours(emoji: str, expected: str) -> None:
    assert thumb(emoji) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ("", ()),
        ("now|status|cancel", (Parameter("what", ("now", "status", "cancel")),)),
        ("VERSION", (Parameter("version"),)),
        ("[WHY]", (Parameter("why", required=False),)),
        ("[TEXT|reset]", (Parameter("text", required=False),)),
        (
            "[WHAT on|off]",
            (
                Parameter("what", required=False),
                Parameter("value", ("on", "off"), required=False),
            ),
        ),
        (
            "pause|resume|schedule [TIME]",
            (
                Parameter("what", ("pause", "resume", "schedule")),
                Parameter("time", required=False),
            ),
        ),
        (
            "answer|remember on|off",
            (Parameter("what", ("answer", "remember")), Parameter("value", ("on", "off"))),
        ),
    ],
)
def test_a_usage_describes_arguments(usage: str, expected: tuple[Parameter, ...]) -> None:
    assert parameters(usage) == expected


def test_the_text_of_a_form_is_found_in_both_of_discords_shapes() -> None:
    field = {"type": 4, "custom_id": "text", "value": " better "}
    assert written([{"type": 18, "component": field}]) == "better"
    assert written([{"type": 1, "components": [field]}]) == "better"
    assert written([]) == ""


def test_the_same_command_as_discord_tells_it_back_is_no_change() -> None:
    mine = {
        "name": "train",
        "type": 1,
        "description": "learn",
        "default_member_permissions": 32,
        "options": [
            {"type": 3, "name": "what", "description": "…", "required": True, "choices": []}
        ],
    }
    told = {
        **mine,
        "id": "1",
        "version": "2",
        "default_member_permissions": "32",
        "options": [{"type": 3, "name": "what", "description": "…", "required": True}],
    }
    assert outline(mine) == outline(told)
    assert outline(mine) != outline({**told, "default_member_permissions": None})
    assert outline(mine) != outline({**told, "options": []})


def test_the_invitation_asks_for_what_the_documentation_says() -> None:
    assert NEEDED.value == 274878008320
    assert invite_link(42) == (
        "https://discord.com/oauth2/authorize?client_id=42"
        "&scope=bot+applications.commands&permissions=274878008320"
    )
