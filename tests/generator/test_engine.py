"""The engine against its peer, `model.generate` of transformers under peft."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from bot.domain import BASE, Finish, Prompt, Sampling, Turn
from bot.errors import AdapterError, Busy, ThumbwiseError
from bot.generator.base_model import BaseModel
from bot.generator.engine import Engine
from bot.generator.protocol import Completion, Generator, Job
from tests.generator.conftest import TEXTS, Solo, greedy, peer, prompt
from tests.tiny_model import WINDOW, make_adapter


@pytest.fixture
async def engine(tiny_base: BaseModel) -> AsyncIterator[Engine]:
    running = Engine(tiny_base, max_batch=4, max_queue=8, cache_mb=64, threads=1)
    yield running
    await running.close(grace_seconds=0)


async def run(engine: Generator, *jobs: Job) -> list[Completion]:
    streams = [await engine.submit(job) for job in jobs]
    return [await stream.completion() for stream in streams]


async def test_rows_of_different_adapters_and_lengths_equal_solo_replies(
    engine: Engine, solo: Solo, adapters: dict[int, Path]
) -> None:
    for version, directory in adapters.items():
        await engine.load(version, directory)
    cases = [(text, i % 4, 5 + 4 * i) for i, text in enumerate(TEXTS)]

    done = await run(
        engine, *(Job(prompt(text), greedy(n), seed=0, adapter=v) for text, v, n in cases)
    )

    expected = [solo(prompt(text), version, n) for text, version, n in cases]
    assert [c.text for c in done] == expected
    assert [c.adapter for c in done] == [version for _, version, _ in cases]
    assert len({solo(prompt("hello"), version, 24) for version in range(4)}) == 4


async def test_gpt2_with_conv1d_adapters_equals_solo_replies(
    tiny_gpt2: BaseModel, tmp_path: Path
) -> None:
    adapter = make_adapter(tmp_path / "1", tiny_gpt2.directory, seed=1)
    solo = peer(tiny_gpt2, {1: adapter})
    engine = Engine(tiny_gpt2, max_batch=3, threads=1)
    await engine.load(1, adapter)
    cases = [(text, i % 2, 6 + 2 * i) for i, text in enumerate(TEXTS)]

    done = await run(
        engine, *(Job(prompt(text), greedy(n), seed=0, adapter=v) for text, v, n in cases)
    )
    await engine.close()

    assert [c.text for c in done] == [solo(prompt(t), v, n) for t, v, n in cases]


async def test_sampled_replies_do_not_depend_on_the_crowd(
    engine: Engine, adapters: dict[int, Path]
) -> None:
    await engine.load(1, adapters[1])
    sampling = Sampling(temperature=0.9, top_p=0.95, top_k=30, max_new_tokens=20)
    jobs = [Job(prompt(text), sampling, seed=i, adapter=i % 2) for i, text in enumerate(TEXTS)]

    alone = [(await run(engine, job))[0].text for job in jobs]
    crowd = [c.text for c in await run(engine, *jobs)]

    assert crowd == alone
    other = await run(engine, Job(prompt(TEXTS[0]), sampling, seed=99, adapter=0))
    assert other[0].text != alone[0]


async def test_a_job_joins_a_running_batch(engine: Engine, solo: Solo) -> None:
    first = await engine.submit(Job(prompt("hello"), greedy(200), seed=0))
    async for _ in first:
        break
    second = await engine.submit(Job(prompt("yes"), greedy(3), seed=0))

    assert (await second.completion()).text == solo(prompt("yes"), BASE, 3)
    first.cancel()
    assert (await first.completion()).finish is Finish.CANCELLED


async def test_pieces_join_to_the_text_for_every_reader(engine: Engine) -> None:
    stream = await engine.submit(Job(prompt("äöü 🙂"), greedy(60), seed=0))
    pieces = [piece async for piece in stream]
    again = [piece async for piece in stream]
    done = await stream.completion()

    assert len(pieces) > 5
    assert "".join(pieces) == "".join(again) == done.text == done.text.strip()
    assert done.finish is Finish.LENGTH
    assert done.reply_tokens == 60
    assert 0 < done.first_token_ms <= done.latency_ms


async def test_a_waiting_job_can_be_cancelled(tiny_base: BaseModel) -> None:
    engine = Engine(tiny_base, max_batch=1, max_queue=2, threads=1)
    long = await engine.submit(Job(prompt("hello"), greedy(400), seed=0))
    waiting = await engine.submit(Job(prompt("yes"), greedy(400), seed=0))
    waiting.cancel()

    done = await waiting.completion()
    assert (done.finish, done.text, done.reply_tokens) == (Finish.CANCELLED, "", 0)
    long.cancel()
    await engine.close()


async def test_a_full_queue_refuses_and_tells_the_position(tiny_base: BaseModel) -> None:
    changes: list[int] = []
    engine = Engine(tiny_base, max_batch=1, max_queue=2, threads=1, on_busy=changes.append)
    streams = [await engine.submit(Job(prompt("hello"), greedy(100), seed=0)) for _ in range(3)]

    assert [stream.ahead for stream in streams] == [0, 0, 1]
    with pytest.raises(Busy):
        await engine.submit(Job(prompt("hello"), greedy(1), seed=0))
    done = [await stream.completion() for stream in streams]
    assert {c.finish for c in done} == {Finish.LENGTH}
    assert changes == [1, 0]
    await engine.close()


async def test_a_long_prompt_is_read_in_chunks_and_fits_exactly(engine: Engine, solo: Solo) -> None:
    long = prompt("learn something new, " * 60)
    size = engine.count_prompt(long)
    assert 256 < size < WINDOW
    (done,) = await run(engine, Job(long, greedy(10_000), seed=0))

    assert done.text == solo(long, BASE, WINDOW - size)
    engine._writer._ends = frozenset()
    (done,) = await run(engine, Job(long, greedy(10_000), seed=0))
    assert (done.finish, done.prompt_tokens + done.reply_tokens) == (Finish.LENGTH, WINDOW)
    with pytest.raises(ThumbwiseError, match="at most 511"):
        await engine.submit(Job(prompt("new " * WINDOW), greedy(1), seed=0))


async def test_the_end_token_and_stop_strings_end_a_reply(
    engine: Engine, solo: Solo, tiny_base: BaseModel
) -> None:
    whole = solo(prompt("hello"), BASE, 40)
    stop = whole[12:15]
    (done,) = await run(engine, Job(prompt("hello"), greedy(40, stop=(stop,)), seed=0))
    assert done.finish is Finish.STOP
    assert done.text == whole[: whole.index(stop)].strip()
    assert done.reply_tokens < 40

    # With the model's own first token as its end token, the reply is empty.
    ids = tiny_base.renderer.prompt_ids(prompt("hello"))
    with torch.no_grad():
        first = int(tiny_base.model(torch.tensor([ids])).logits[0, -1].argmax())
    engine._writer._ends = frozenset({first})
    (done,) = await run(engine, Job(prompt("hello"), greedy(40), seed=0))
    assert (done.finish, done.text, done.reply_tokens) == (Finish.STOP, "", 0)


async def test_banned_words_do_not_appear(engine: Engine, solo: Solo) -> None:
    import re

    whole = solo(prompt("hello"), BASE, 40)
    words = tuple(dict.fromkeys(re.findall(r"\w+", whole)))[:6]
    (done,) = await run(engine, Job(prompt("hello"), greedy(40, banned_words=words), seed=0))
    found = {word.lower() for word in re.findall(r"\w+", done.text)}
    assert words
    assert not found & {word.lower() for word in words}
    assert "*" not in done.text.replace("*", "", whole.count("*"))


async def test_sessions_reuse_what_was_read_and_change_nothing(engine: Engine, solo: Solo) -> None:
    first = prompt("hello, how are you today?")
    (one,) = await run(engine, Job(first, greedy(12), seed=0, session="c"))
    second = Prompt(
        first.persona,
        (*first.turns, Turn("assistant", one.text), Turn("user", "and who is there?", "ana")),
    )
    (two,) = await run(engine, Job(second, greedy(12), seed=0, session="c"))
    (fresh,) = await run(engine, Job(second, greedy(12), seed=0))

    assert one.cached_tokens == fresh.cached_tokens == 0
    assert two.cached_tokens >= one.prompt_tokens
    assert two.text == fresh.text == solo(second, BASE, 12)
    (again,) = await run(engine, Job(second, greedy(12), seed=0, session="c"))
    assert again.cached_tokens == again.prompt_tokens - 1
    assert again.text == two.text


async def test_sessions_are_not_reused_across_versions(
    engine: Engine, solo: Solo, adapters: dict[int, Path]
) -> None:
    asked = prompt("hello, how are you today?")
    await engine.load(1, adapters[1])
    await run(engine, Job(asked, greedy(8), seed=0, session="c"))
    await engine.switch(1)
    (done,) = await run(engine, Job(asked, greedy(8), seed=0, session="c"))
    assert (done.cached_tokens, done.adapter) == (0, 1)
    assert done.text == solo(asked, 1, 8)

    await engine.switch(BASE)
    assert engine.resident() == ()
    assert engine._writer.sessions.names == ()
    assert not engine._writer.residents._hooks


async def test_an_explicit_version_must_be_resident(engine: Engine) -> None:
    with pytest.raises(AdapterError):
        await engine.submit(Job(prompt("hello"), greedy(1), seed=0, adapter=7))
    with pytest.raises(AdapterError):
        await engine.switch(7)
    assert engine.live == BASE


async def test_a_broken_step_ends_its_replies_only(
    engine: Engine, solo: Solo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine._writer, "_forward", lambda *_: torch.full((1, 9), torch.nan))
        stream = await engine.submit(Job(prompt("hello"), greedy(5), seed=0))
        with pytest.raises(ThumbwiseError, match="computation failed"):
            await stream.completion()
        with pytest.raises(ThumbwiseError):
            _ = [piece async for piece in stream]
    (done,) = await run(engine, Job(prompt("hello"), greedy(5), seed=0))
    assert done.text == solo(prompt("hello"), BASE, 5)


async def test_a_dead_thread_is_reported_to_everybody(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny_base, max_batch=1, threads=1)
    streams = [await engine.submit(Job(prompt("hello"), greedy(400), seed=0)) for _ in range(2)]

    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(engine._writer, "step", broken)
    for stream in streams:
        with pytest.raises(ThumbwiseError, match="broken down"):
            await stream.completion()
    with pytest.raises(ThumbwiseError, match="broken down"):
        await engine.submit(Job(prompt("hello"), greedy(1), seed=0))
    with pytest.raises(ThumbwiseError, match="broken down"):
        await engine.switch(BASE)
    await engine.close()


async def test_closing_waits_then_cancels(tiny_base: BaseModel, solo: Solo) -> None:
    engine = Engine(tiny_base, max_batch=1, threads=1)
    stream = await engine.submit(Job(prompt("hello"), greedy(20), seed=0))
    await engine.close(grace_seconds=60)
    assert (await stream.completion()).text == solo(prompt("hello"), BASE, 20)
    with pytest.raises(ThumbwiseError):
        await engine.submit(Job(prompt("hello"), greedy(1), seed=0))

    engine = Engine(tiny_base, max_batch=1, threads=1)
    streams = [await engine.submit(Job(prompt("hello"), greedy(400), seed=0)) for _ in range(2)]
    async for _ in streams[0]:
        break
    await engine.close(grace_seconds=0)
    cut, waiting = [await stream.completion() for stream in streams]
    assert {cut.finish, waiting.finish} == {Finish.CANCELLED}
    assert 0 < cut.reply_tokens < 400
    assert "".join([piece async for piece in streams[0]]) == cut.text != ""


def full(*_: object, **__: object) -> NoReturn:
    raise MemoryError("no room")


async def test_a_reply_whose_conversation_cannot_be_kept_warm_ends_as_it_should(
    engine: Engine, solo: Solo, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(prompt("hello"), greedy(400), seed=0, session="c")
    with monkeypatch.context() as patch:
        patch.setattr(engine._writer.sessions, "keep", full)
        (done,) = await run(engine, replace(job, sampling=greedy(5)))
        assert done.text == solo(prompt("hello"), BASE, 5)
        stream = await engine.submit(job)
        async for _ in stream:
            break
        stream.cancel()
        assert (await stream.completion()).finish is Finish.CANCELLED
    (done,) = await run(engine, replace(job, sampling=greedy(5)))
    assert done.text == solo(prompt("hello"), BASE, 5)


async def test_a_reply_that_breaks_while_it_is_cancelled_ends_alone(
    engine: Engine, solo: Solo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine._writer, "_show", full)
        stream = await engine.submit(Job(prompt("hello"), greedy(400), seed=0))
        stream.cancel()
        with pytest.raises(ThumbwiseError, match="memory is used up"):
            await stream.completion()
    (done,) = await run(engine, Job(prompt("hello"), greedy(5), seed=0))
    assert done.text == solo(prompt("hello"), BASE, 5)


async def test_a_dead_thread_ends_replies_that_no_list_holds_any_more(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny_base, max_batch=1, threads=1)

    def broken() -> None:
        for row in [*engine._writer._scheduler.waiting]:
            engine._writer._scheduler.drop(row)
        raise RuntimeError("broken")

    monkeypatch.setattr(engine._writer, "step", broken)
    stream = await engine.submit(Job(prompt("hello"), greedy(4), seed=0))
    with pytest.raises(ThumbwiseError, match="broken down"):
        await asyncio.wait_for(stream.completion(), 20)
    await asyncio.wait_for(engine.close(), 20)


async def test_what_breaks_an_order_reaches_who_gave_it_and_nobody_else(
    engine: Engine, solo: Solo, adapters: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(engine._writer, "install", full)
        with pytest.raises(MemoryError):
            await asyncio.wait_for(engine.load(1, adapters[1]), 20)
    (done,) = await run(engine, Job(prompt("hello"), greedy(5), seed=0))
    assert done.text == solo(prompt("hello"), BASE, 5)


async def test_closing_leaves_a_stuck_thread_behind(
    tiny_base: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.generator.engine._LAST_STEP", 0.1)
    engine = Engine(tiny_base, max_batch=1, threads=1)
    free = threading.Event()
    monkeypatch.setattr(engine._writer, "step", free.wait)
    stream = await engine.submit(Job(prompt("hello"), greedy(4), seed=0))
    await asyncio.wait_for(engine.close(grace_seconds=0), 20)
    with pytest.raises(ThumbwiseError, match="stuck"):
        await stream.completion()
    with pytest.raises(ThumbwiseError, match="stuck"):
        await engine.switch(BASE)
    free.set()
    await asyncio.to_thread(engine._thread.join)


async def test_a_version_loaded_again_outlives_its_last_reply(
    engine: Engine, adapters: dict[int, Path]
) -> None:
    await engine.load(1, adapters[1])
    await engine.switch(1)
    stream = await engine.submit(Job(prompt("hello"), greedy(400), seed=0, adapter=1))
    async for _ in stream:
        break
    await engine.load(2, adapters[2])
    await engine.switch(2)
    await engine.load(1, adapters[1])
    stream.cancel()
    await stream.completion()
    await engine.switch(1)
    assert (engine.live, engine.resident()) == (1, (1,))


async def test_what_members_write_is_in_no_repr(engine: Engine) -> None:
    row = engine._row(Job(prompt("a secret"), greedy(4), seed=0))
    row.text = "a secret"
    assert "secret" not in f"{row!r} {row.job!r}"
