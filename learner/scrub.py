"""Takes personal data and secrets out of text before anything is learned from it.

A model repeats what it was trained on, so what must not be repeated is replaced by a placeholder.
Patterns can only catch what has a shape: this lowers the risk, it does not make text anonymous.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bot.domain import Prompt, Turn


def scrub(text: str) -> str:
    """The text with e-mail addresses, phone and card numbers, keys and passwords replaced."""
    for pattern, replace in _RULES:
        text = pattern.sub(replace, text)
    return text


def scrub_prompt(prompt: Prompt) -> Prompt:
    """The prompt with all its turns scrubbed. The persona is the operator's and stays."""
    turns = (Turn(t.role, scrub(t.text), t.speaker, t.member) for t in prompt.turns)
    return Prompt(prompt.persona, tuple(turns))


def is_card(digits: str) -> bool:
    """Whether digits pass the check of payment cards (Luhn, ISO/IEC 7812-1)."""
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return 13 <= len(digits) <= 19 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def _card(found: re.Match[str]) -> str:
    return "[card]" if is_card(re.sub(r"\D", "", found[0])) else found[0]


def _phone(found: re.Match[str]) -> str:
    digits = len(re.sub(r"\D", "", found[0]))
    return "[phone]" if (8 if found[0][0] == "+" else 9) <= digits <= 15 else found[0]


def _mixed(found: re.Match[str]) -> str:
    """A long run is a key only if letters and digits are mixed in it: words and numbers stay."""
    run = found[0]
    mixed = re.search(r"\d", run) and re.search(r"[a-z]", run) and re.search(r"[A-Z]", run)
    hexadecimal = re.fullmatch(r"(?=.*\d)(?=.*[a-f])[0-9a-f]+", run)
    return "[key]" if mixed or hexadecimal else run


_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
        ),
        "[key]",
    ),
    (re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"), "[secret]"),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}"), "[email]"),
    # JWT; OpenAI, GitHub, GitLab, Slack, AWS, Google, Hugging Face, Stripe; Telegram; Discord.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"), "[key]"),
    (
        re.compile(
            r"\b(?:sk-|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza|hf_"
            r"|[sr]k_(?:live|test)_)[\w-]{12,}"
        ),
        "[key]",
    ),
    (re.compile(r"\b\d{8,10}:[\w-]{30,}"), "[key]"),
    (re.compile(r"\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"), "[key]"),
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{12,}"), r"\1 [key]"),
    (
        re.compile(
            r"(?i)\b(passwords?|passwd|passphrase|api[_ -]?keys?|secrets?|access[_ -]?tokens?)"
            r"(\s*(?:[:=]|\bis\b)\s*)(?=\S*[\d!#$%&*@^_-])[^\s,;]{4,}"
        ),
        r"\1\2[secret]",
    ),
    (re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_=-]{32,}(?![\w+/=-])"), _mixed),
    (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), _card),
    # International; with a trunk zero or an area code in brackets; North American.
    (re.compile(r"(?<![\w+])\+\d(?:[ ()./-]{0,2}\d){7,14}(?!\w)"), _phone),
    (re.compile(r"(?<![\w.+-])(?:\(\d{2,5}\)|0\d{1,4})(?:[ ./-]{0,2}\d){5,11}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.+-])(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"), _phone),
)
