"""kill -9 at random moments: no acknowledged rating is lost, no adapter is half promoted.

The victims are forked from a process that has everything imported, so that a kill costs a round of
work and not the loading of torch; what they run is what the programs run. Seeds are printed: a
failure can be had again by giving its seed.
"""

from __future__ import annotations

import random
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tests.walks import victims
from tests.walks.killing import (
    check_adapters,
    check_database,
    check_tidy,
    kill,
    killed,
    one_more,
    prepared,
    rows,
)


async def test_no_acknowledged_rating_is_lost(
    forks: ForkServerContext, tmp_path: Path, draw: random.Random
) -> None:
    await (await prepared(tmp_path)).close()
    url = f"sqlite+aiosqlite:///{tmp_path / 'thumbwise.db'}"
    acknowledged: set[int] = set()
    for _ in range(20):
        said = killed(forks, victims.rate, url, after=draw.uniform(0, 0.1))
        assert acknowledged.isdisjoint(said), "an id was used again"
        acknowledged.update(said)
        kept = {row["id"] for row in rows(tmp_path, "SELECT id FROM feedback")}
        assert acknowledged <= kept
        check_database(tmp_path)
    assert len(acknowledged) >= 20


async def test_no_version_is_half_published(
    forks: ForkServerContext, tmp_path: Path, draw: random.Random
) -> None:
    await (await prepared(tmp_path)).close()
    acknowledged: dict[int, str] = {}
    for _ in range(25):
        seed, after = draw.getrandbits(32), draw.uniform(0, 0.15)
        ended = killed(forks, victims.publish, tmp_path, seed, after=after)[1:]
        acknowledged.update(ended)
        check_adapters(tmp_path)
        states = {r["version"]: r["state"] for r in rows(tmp_path, "SELECT * FROM adapters")}
        for version, end in acknowledged.items():
            wanted = ("live", "retired") if end == "promoted" else ("rejected",)
            assert states[version] in wanted
    [_ready, *_] = killed(forks, victims.publish, tmp_path, 1, after=0)
    assert {"promoted", "rejected"} <= set(acknowledged.values())


async def test_the_learner_ends_what_it_began(
    forks: ForkServerContext, tmp_path: Path, environment: dict[str, str], draw: random.Random
) -> None:
    """`python -m learner once`, killed wherever it is, until a round comes through."""
    database = await prepared(tmp_path, 12)

    def learn(seconds: float | None) -> int | None:
        """Run the learner; its exit code, or None when it was killed."""
        log = tmp_path / "learner.out"
        process = forks.Process(target=victims.learn, args=(environment, log))
        process.start()
        process.join(seconds)
        code = process.exitcode
        kill(process)
        check_adapters(tmp_path)
        assert code in (None, 0, 1, 3, 4), log.read_text()  # 4: the only new reply is held out
        return code

    begun = time.monotonic()
    assert learn(None) == 0, (tmp_path / "learner.out").read_text()
    whole = time.monotonic() - begun
    check_tidy(tmp_path)
    before = len(rows(tmp_path, "SELECT id FROM rounds"))
    for number in range(7):
        await one_more(database, number)
        learn(draw.uniform(0, whole))
    while learn(None) == 1:  # closed, after three crashes in the same round
        assert "3 times" in rows(tmp_path, "SELECT * FROM rounds ORDER BY id DESC")[0]["reason"]
    ends = [row["state"] for row in rows(tmp_path, "SELECT state FROM rounds ORDER BY id")]
    assert len(ends) > before
    assert set(ends) <= {"promoted", "rejected", "failed", "skipped"}
    assert [end for end in ends if end != "skipped"][-1] in ("promoted", "rejected")
    check_tidy(tmp_path)
    await database.close()
