"""Many chats at once: our engine beside `model.generate` of transformers, in one run.

    python -m benchmarks.generator [--chats 8] [--tokens 64] [--runs 5] [--threads 2]

The same prompts, weights, data type, threads and greedy sampling for all; the replies are compared,
so that nobody is fast by writing something else. Prints the table and puts it into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
import transformers

from bot.domain import Prompt, Sampling, Turn
from bot.generator import base_model
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Job

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- benchmarks.generator: begin -->"
END: Final = "<!-- benchmarks.generator: end -->"

TOPICS: Final = (
    "a fox",
    "the sea",
    "bread",
    "a long train journey",
    "snow",
    "chess",
    "bees",
    "tea",
)

Replies = list[list[int]]
"""The token ids of each reply, its end token left out."""


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--chats", type=int, default=8, help="chats at once")
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of a reply")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, after one to warm up")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--model", default="embedded", help="as BASE_MODEL")
    parser.add_argument("--dry", action="store_true", help="leave the page as it is")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    base = base_model.load(options.model, models_dir=ROOT / "data" / "models")
    prompts = [
        Prompt("You are a friendly member of this chat.", (Turn("user", text, "ana"),))
        for text in (
            f"Tell me what you know about {TOPICS[i % len(TOPICS)]}. " + "Please. " * (3 * i)
            for i in range(options.chats)
        )
    ]
    ways: dict[str, Callable[[], Replies]] = {
        "Engine, all chats at once": lambda: ours(base, prompts, options.tokens, options.threads),
        "transformers generate, one after another": lambda: sequential(
            base, prompts, options.tokens
        ),
        "transformers generate, one static batch": lambda: static(base, prompts, options.tokens),
    }
    table = measure(ways, base, options)
    print(table)
    if not options.dry:
        write(table)


def ours(base: BaseModel, prompts: list[Prompt], tokens: int, threads: int) -> Replies:
    """All prompts submitted at once to a fresh engine, with nothing kept warm."""
    sampling = Sampling(temperature=0, repetition_penalty=1, max_new_tokens=tokens)

    async def run() -> Replies:
        engine = Engine(base, max_batch=len(prompts), cache_mb=0, threads=threads)
        streams = [await engine.submit(Job(prompt, sampling, seed=0)) for prompt in prompts]
        texts = [(await stream.completion()).text for stream in streams]
        await engine.close()
        return [base.tokenizer.encode(text, add_special_tokens=False) for text in texts]

    return asyncio.run(run())


def sequential(base: BaseModel, prompts: list[Prompt], tokens: int) -> Replies:
    """One `generate` a prompt."""
    return [static(base, [prompt], tokens)[0] for prompt in prompts]


def static(base: BaseModel, prompts: list[Prompt], tokens: int) -> Replies:
    """One `generate` for all prompts, padded on the left; it ends with its longest reply."""
    rows = [base.renderer.prompt_ids(prompt) for prompt in prompts]
    longest, pad = max(map(len, rows)), base.tokenizer.pad_token_id
    ids = [[pad] * (longest - len(row)) + row for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    with torch.inference_mode():
        out: Any = base.model.generate(
            input_ids=torch.tensor(ids, device=base.device),
            attention_mask=torch.tensor(mask, device=base.device),
            do_sample=False,
            max_new_tokens=tokens,
        )
    texts = (base.renderer.decode(row[longest:].tolist()).strip() for row in out)
    return [base.tokenizer.encode(text, add_special_tokens=False) for text in texts]


def measure(
    ways: dict[str, Callable[[], Replies]], base: BaseModel, options: argparse.Namespace
) -> str:
    """The command and its table. The ways take turns, so that a busy minute falls on all."""
    reference = {name: way() for name, way in ways.items()}  # warms up, too
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.runs):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    first = next(iter(ways))
    lines = [
        f"`{command(options)}`",
        "",
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {base.fingerprint} in {base.model.dtype} "
        f"on {base.device} ({platform.machine()}, {options.threads} threads), torch "
        f"{torch.__version__}, transformers {transformers.__version__}: {options.chats} chats, "
        f"greedy, at most {options.tokens} tokens, {options.runs} runs.",
        "",
        "| way | seconds, median (min to max) | tokens a second | against ours | same replies |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, times in seconds.items():
        median = statistics.median(times)
        count = sum(map(len, reference[name]))
        same = sum(a == b for a, b in zip(reference[name], reference[first], strict=True))
        lines.append(
            f"| {name} | {median:.2f} ({min(times):.2f} to {max(times):.2f}) | "
            f"{count / median:.1f} | {median / statistics.median(seconds[first]):.2f} x | "
            f"{same} of {options.chats} |"
        )
    return "\n".join(lines)


def command(options: argparse.Namespace) -> str:
    """What to type to measure the same again."""
    model = "" if options.model == "embedded" else f" --model {options.model}"
    return (
        f"python -m benchmarks.generator --chats {options.chats} --tokens {options.tokens} "
        f"--runs {options.runs} --threads {options.threads}{model}"
    )


def write(table: str, page: Path = PAGE) -> None:
    """Put the table into its section of the page, which is added if it is not there."""
    text = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if BEGIN not in text:
        text += f"\n## Many chats at once\n\n{BEGIN}\n{END}\n"
    head, rest = text.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
