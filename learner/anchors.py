"""Anchors: general prompts with the base model's own answers, made once for each base model.

Half of them is mixed into training, so that an adapter stays close to the base where nobody asked
it to change; the other half only measures how far it has drifted. The answers are drawn from the
base's whole distribution (temperature 1, nothing cut off), so that the expected rise of the loss on
them is KL(base || adapter): nought for the base, and above it for whatever differs. On greedier
answers the loss of an adapter falls just for being surer of itself, and a drift goes unseen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from bot.domain import Finish, Prompt, Sampling, Turn
from bot.generator.base_model import BaseModel
from bot.generator.protocol import Job
from learner.anchor_prompts import ANCHORS
from learner.asking import ask
from learner.disk import write_whole
from learner.ear import Ear
from learner.examples import Encoded, encode

SAMPLING: Final = Sampling(
    temperature=1.0, top_p=1.0, top_k=0, repetition_penalty=1.0, max_new_tokens=64
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A general prompt and the base model's answer; `ended` tells whether it came to its end."""

    prompt: str
    answer: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Anchors:
    """Both halves, and the persona under which they were answered."""

    persona: str
    trained: tuple[Anchor, ...]
    held_out: tuple[Anchor, ...]

    def ask(self, anchor: Anchor) -> Prompt:
        """The prompt that an anchor answers."""
        return _prompt(self.persona, anchor.prompt)

    def encode(
        self, base: BaseModel, limit: int
    ) -> tuple[tuple[Encoded, ...], tuple[Encoded, ...]]:
        """Both halves as token ids; those that do not fit are left out."""

        def half(some: Sequence[Anchor]) -> tuple[Encoded, ...]:
            found = (
                encode(
                    base.renderer,
                    self.ask(anchor),
                    anchor.answer,
                    limit=limit,
                    ended=anchor.ended,
                    anchor=True,
                )
                for anchor in some
            )
            return tuple(example for example in found if example)

        return half(self.trained), half(self.held_out)


async def ensure(
    base: BaseModel,
    directory: Path,
    *,
    persona: str,
    prompts: Sequence[str] = ANCHORS,
    sampling: Sampling = SAMPLING,
    threads: int = 0,
    ear: Ear | None = None,
) -> Anchors:
    """The anchors of a base model, read from `directory`, or made (in a minute or two) and kept.

    They are made again when the file is damaged, or the prompts, the persona or the sampling have
    changed. Raises `Stopped`.
    """
    path = directory / f"{base.fingerprint}.json"
    recipe = {"persona": persona, "prompts": list(prompts), "sampling": sampling.to_json()}
    answers = _read(path, recipe)
    if answers is None:
        _log.info("the base model answers the anchors, once", prompts=len(prompts))
        answers = await answer(
            base, prompts, persona=persona, sampling=sampling, threads=threads, ear=ear
        )
        kept = [asdict(anchor) for anchor in answers]
        text = {"recipe": recipe, "answers": kept, "sha256": _digest(recipe, kept)}
        write_whole(path, json.dumps(text, indent=1, ensure_ascii=False))
    usable = [anchor if anchor.answer.strip() else None for anchor in answers]
    return Anchors(
        persona,
        trained=tuple(filter(None, usable[::2])),
        held_out=tuple(filter(None, usable[1::2])),
    )


async def answer(
    base: BaseModel,
    prompts: Sequence[str],
    *,
    persona: str,
    sampling: Sampling,
    threads: int = 0,
    ear: Ear | None = None,
) -> list[Anchor]:
    """The base model's answers, in the order of the prompts; the seed of each is its number."""
    jobs = [
        Job(_prompt(persona, text), sampling, seed=number) for number, text in enumerate(prompts)
    ]
    done = await ask(base, None, jobs, threads=threads, ear=ear)
    return [
        Anchor(text, completion.text, completion.finish is Finish.STOP)
        for text, completion in zip(prompts, done, strict=True)
    ]


def _prompt(persona: str, text: str) -> Prompt:
    return Prompt(persona, (Turn("user", text),))


def _read(path: Path, recipe: dict[str, Any]) -> list[Anchor] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["recipe"] != recipe or kept["sha256"] != _digest(recipe, kept["answers"]):
            return None
        return [Anchor(**entry) for entry in kept["answers"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(recipe: dict[str, Any], answers: list[dict[str, Any]]) -> str:
    text = json.dumps([recipe, answers], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
