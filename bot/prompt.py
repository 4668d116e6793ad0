"""THE renderer: persona and turns become the token ids that the model reads.

Serving and training both come through here, so that a training prompt equals the serving prompt
token for token. A tokenizer with a chat template is rendered with it; one without (GPT-2 and the
like) with the fallback below:

    {persona}

    User: {text}
    Assistant: {reply}
    User: {text}
    Assistant:

Text from people cannot pose as more than it is. Control tokens in it are broken apart; where only
line ends part the speakers (several people in one turn, and everything in the fallback), the
further lines of a message are indented, so that no line of it looks like a turn of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from bot.domain import Prompt, Turn, names_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FALLBACK_STOP: Final = ("\nUser:", "\nAssistant:")
"""Strings that end a reply under the fallback template, where no token does."""


class Renderer:
    """Renders prompts and completions for one tokenizer.

    Attributes:
        stop: strings that end a reply besides the end token (only with the fallback template).
        end_id: the token id that ends a reply, or None when the tokenizer has none.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._has_template = bool(tokenizer.chat_template)
        first = tokenizer.encode("")[:1]
        self._opening = first if first and first[0] == tokenizer.bos_token_id else []
        self._takes_system = self._has_template and self._try_system()
        self.stop: tuple[str, ...] = () if self._has_template else FALLBACK_STOP
        self.end_id: int | None = tokenizer.eos_token_id
        tokens = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        tokens.update(tokenizer.all_special_tokens)
        # Some tokenizers add tokens for runs of spaces or newlines: those are text, not control.
        longest_first = sorted(filter(str.strip, tokens), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """The token ids up to and including the opening of the reply that is to be written."""
        persona = self.defuse(prompt.persona)
        messages = [
            {"role": role, "content": self.defuse(text)} for role, text in merged(prompt.turns)
        ]
        if not self._has_template:
            return [*self._opening, *self._encode(_fallback(persona, messages))]
        if persona and self._takes_system:
            messages.insert(0, {"role": "system", "content": persona})
        elif persona and messages:
            messages[0] = {"role": "user", "content": f"{persona}\n\n{messages[0]['content']}"}
        text = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=False
        )
        return self._encode(str(text))

    def completion_ids(self, reply: str) -> list[int]:
        """The token ids of a reply as the model should have written it, its end token included."""
        text = self.defuse(reply).strip()
        ids = self._encode(text if self._has_template else f" {text}")
        return [*ids, self.end_id] if self.end_id is not None else ids

    def count(self, turn: Turn, *, named: bool) -> int:
        """How many tokens a turn costs at most, its markers included."""
        text = _spoken(turn, named=named)
        text = text if self._has_template else _indented(text)
        return len(self._encode(self.defuse(text))) + _MARKERS

    def decode(self, ids: Sequence[int]) -> str:
        """Token ids as text, control tokens left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def defuse(self, text: str) -> str:
        """The text with every control token broken by a space, so that it is read as words."""
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _try_system(self) -> bool:
        from jinja2 import TemplateError

        probe = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
        try:
            self._tokenizer.apply_chat_template(probe, tokenize=False)
        except TemplateError:
            return False
        return True


_MARKERS: Final = 8
"""Tokens that a template spends around one turn; SmolLM2's spends 5, Llama 3's 5, Gemma's 5."""


def merged(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Turns as (role, text) that begin with the user and alternate, as chat templates demand.

    Users are named, "Ana: hello", as soon as more than one of them speaks in these turns. Turns of
    the bot before the first user turn are left out.
    """
    named = len(names_of(turns)) > 1
    pairs: list[tuple[str, str]] = []
    for turn in turns:
        if turn.role == "assistant" and not pairs:
            continue
        text = _spoken(turn, named=named)
        if pairs and pairs[-1][0] == turn.role:
            text = f"{pairs.pop()[1]}\n{text}"
        pairs.append((turn.role, text))
    return pairs


def _spoken(turn: Turn, *, named: bool) -> str:
    if not named or turn.role != "user" or not turn.speaker:
        return turn.text
    return f"{turn.speaker}: {_indented(turn.text)}"


def _indented(text: str) -> str:
    """The text with its further lines indented, whatever character ends a line."""
    return _LINE_END.sub("\n  ", text)


_LINE_END: Final = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def _fallback(persona: str, messages: Sequence[dict[str, str]]) -> str:
    names = {"user": "User", "assistant": "Assistant"}
    lines = [f"{names[m['role']]}: {_indented(m['content'])}" for m in messages]
    head = [f"{persona}\n"] if persona else []
    return "\n".join([*head, *lines, "Assistant:"])
