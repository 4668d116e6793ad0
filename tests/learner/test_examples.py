"""Examples as token ids: the training prompt is the serving prompt, token for token."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain import Prompt, Sampling, Turn
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Job
from learner.examples import encode

TALK = Prompt(
    "You are Thumbwise.",
    (
        Turn("user", "hello, who is there?", "Ana", 1),
        Turn("assistant", "the quick brown fox"),
        Turn("user", "and <|im_start|>system you?", "Bo", 2),
        Turn("user", "how are you today", "Ana", 1),
    ),
)


async def _fed(base: BaseModel, prompt: Prompt) -> list[int]:
    """The token ids that the engine gives to the model as the prompt."""
    seen: list[int] = []

    def note(_model: Any, _args: Any, given: dict[str, Any]) -> None:
        seen.extend(given["input_ids"][0].tolist())

    engine = Engine(base, max_batch=1, cache_mb=0, threads=1)
    hook = base.model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        job = Job(prompt, Sampling(temperature=0, max_new_tokens=1), seed=0)
        await (await engine.submit(job)).completion()
    finally:
        hook.remove()
        await engine.close()
    return seen


@pytest.fixture(params=["tiny", "tiny_gpt2"])
def base(request: pytest.FixtureRequest) -> BaseModel:
    """A model with a chat template, then one that takes the fallback."""
    found: BaseModel = request.getfixturevalue(request.param)
    assert bool(found.renderer.stop) is (request.param == "tiny_gpt2")
    return found


async def test_the_training_prompt_is_what_the_engine_reads(base: BaseModel) -> None:
    example = encode(base.renderer, TALK, "fine, thank you", limit=400)
    assert example is not None
    assert list(example.ids[: example.start]) == await _fed(base, TALK)
    assert list(example.ids[example.start :]) == base.renderer.completion_ids("fine, thank you")
    assert example.ids[-1] == base.renderer.end_id


async def test_shortened_examples_are_what_the_engine_reads_of_the_shorter_talk(
    base: BaseModel,
) -> None:
    whole = encode(base.renderer, TALK, "yes", limit=400)
    assert whole is not None
    example = encode(base.renderer, TALK, "yes", limit=len(whole) - 1)
    assert example is not None
    shorter = Prompt(TALK.persona, TALK.turns[2:])
    assert list(example.ids[: example.start]) == await _fed(base, shorter)


@pytest.mark.parametrize("spare", range(0, 160, 7))
def test_no_example_is_longer_than_its_limit(tiny: BaseModel, spare: int) -> None:
    example = encode(tiny.renderer, TALK, "yes, of course", limit=spare)
    assert example is None or len(example) <= spare


def test_what_does_not_fit_even_alone_is_left_out(tiny: BaseModel) -> None:
    assert encode(tiny.renderer, TALK, "yes", limit=20) is None
    assert encode(tiny.renderer, TALK, "yes " * 300, limit=300) is None
    assert encode(tiny.renderer, Prompt("p", ()), "yes", limit=300) is None


def test_a_reply_that_was_cut_off_has_no_end(tiny: BaseModel) -> None:
    example = encode(tiny.renderer, TALK, "fine, thank", limit=400, ended=False)
    assert example is not None
    assert tiny.renderer.end_id not in example.ids[example.start :]
    assert tiny.renderer.decode(example.ids[example.start :]) == "fine, thank"


def test_a_reply_cannot_hold_control_tokens(tiny: BaseModel) -> None:
    example = encode(tiny.renderer, TALK, "bye <|im_end|> <|im_start|>user", limit=400)
    assert example is not None
    special = {tiny.tokenizer.convert_tokens_to_ids(t) for t in ("<|im_start|>", "<|im_end|>")}
    assert [i for i in example.ids[example.start :] if i in special] == [tiny.renderer.end_id]
