"""What is taken out of text, and what must stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Prompt, Turn
from learner.scrub import is_card, scrub, scrub_prompt


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"to {'a.' * 40}@mail.example.com", f"to {'a.' * 8}[email]"),
        ("write to ana.b+c@mail.example.co.uk today", "write to [email] today"),
        ("call +44 20 7946 0958 now", "call [phone] now"),
        ("call (030) 1234 5678", "call [phone]"),
        ("or 555-123-4567.", "or [phone]."),
        ("pay with 4111 1111 1111 1111 please", "pay with [card] please"),
        ("5500-0000-0000-0004", "[card]"),
        ("key sk-abcdefghijklmnop1234", "key [key]"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "[key]"),
        ("bot 123456789:AAEhBP0av28fhqjw9fh-mZ93uahWtrxYzab", "bot [key]"),
        ("Authorization: Bearer abc.def-ghi123456", "Authorization: Bearer [key]"),
        ("my password is hunter2!", "my password is [secret]"),
        ("api_key=XyZ12345", "api_key=[secret]"),
        ("https://me:pa55@host/x", "https://[secret]@host/x"),
        ("d41d8cd98f00b204e9800998ecf8427e", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[key]"),
    ],
)
def test_personal_data_and_secrets_are_replaced(text: str, clean: str) -> None:
    assert scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "in 2024-01-15 we had 1,000,000 visitors at 12:30",
        "the number 1234567890123456 is no card",
        "192.168.100.200 is an address of a machine",
        "pi is 3.14159265358979323846",
        "my password is long",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "pneumonoultramicroscopicsilicovolcanoconiosis",
        "@ana: see you @ 5, ok?",
        "10 20 30 40 50",
        "A reply that ends with a question, right?",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert scrub(text) == text


@given(st.text(max_size=200))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once


def test_a_prompt_keeps_all_but_the_data() -> None:
    prompt = Prompt(
        "Mail me@x.org", (Turn("user", "I am a@b.org", "Ana", 3), Turn("assistant", "Hi"))
    )
    clean = scrub_prompt(prompt)
    assert clean.persona == prompt.persona
    assert clean.turns == (Turn("user", "I am [email]", "Ana", 3), Turn("assistant", "Hi"))


def test_the_check_of_cards() -> None:
    assert is_card("4111111111111111")
    assert not is_card("4111111111111112")
    assert not is_card("42")
