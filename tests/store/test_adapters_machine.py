"""Whatever is done to adapters, in whatever order: the rules hold."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import BASE, AdapterState
from bot.errors import AdapterError
from bot.store import adapters
from bot.store.database import Database
from bot.store.tables import adapters as table
from tests.store.rows import MODEL, NOW, published

Act = Callable[[AsyncConnection], Awaitable[Any]]


class Adapters(RuleBasedStateMachine):
    """The store beside a model of it that is as simple as can be: the stack of what was live."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite+aiosqlite:///{Path(self.folder.name) / 'x.db'}"
        self.database = self.loop.run_until_complete(Database.open(url))
        self.line = [BASE]
        self.versions: list[int] = []
        self.deleted: set[int] = set()
        self.dead: set[int] = set()

    def teardown(self) -> None:
        self.loop.run_until_complete(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    def do(self, act: Act) -> Any:
        """In a transaction of its own; an `AdapterError` comes back as the result."""

        async def run() -> Any:
            async with self.database.write() as tx:
                return await act(tx)

        try:
            return self.loop.run_until_complete(run())
        except AdapterError as error:
            return error

    def promote(self, version: int, kind: str) -> Any:
        return self.do(
            lambda tx: adapters.promote(
                tx, version, base_model=MODEL, actor="test", at=NOW, kind=kind
            )
        )

    @rule()
    def publish(self) -> None:
        version = self.do(published)
        assert version > max(self.versions, default=0), "a version is never used again"
        self.versions.append(version)

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def make_live(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from([BASE, *self.versions]))
        outcome = self.promote(version, "promote")
        if version in self.dead | self.deleted or version == self.line[-1]:
            assert isinstance(outcome, AdapterError)
        else:
            assert outcome == self.line[-1]
            self.line.append(version)

    @rule()
    def roll_back(self) -> None:
        target = self.do(lambda tx: adapters.rollback_target(tx, MODEL))
        if self.line[-1] == BASE:
            assert isinstance(target, AdapterError)
            return
        assert target == self.behind()
        assert self.promote(target, "rollback") == self.line[-1]
        self.cut(target)

    @precondition(lambda self: set(self.versions) - self.deleted)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(set(self.versions) - self.deleted)))
        if version == self.line[-1]:
            self.cut(self.behind())
        self.dead.add(version)
        now_live = self.do(lambda tx: adapters.fail(tx, version, "torn", base_model=MODEL, at=NOW))
        assert now_live == self.line[-1]

    @precondition(lambda self: set(self.versions) - self.deleted - {self.line[-1]})
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        gone = set(self.versions) - self.deleted - {self.line[-1]}
        version = data.draw(st.sampled_from(sorted(gone)))
        self.do(lambda tx: tx.execute(delete(table).where(table.c.version == version)))
        self.deleted.add(version)

    def behind(self) -> int:
        """Where a rollback leads: the nearest one in the line that can still be used."""
        gone = self.dead | self.deleted | {self.line[-1]}
        return next(version for version in reversed(self.line[:-1]) if version not in gone)

    def cut(self, target: int) -> None:
        """Take away from the line's end until `target` is last."""
        self.line.pop()
        while self.line[-1] != target:
            self.line.pop()

    @invariant()
    def one_is_live_and_it_is_the_right_one(self) -> None:
        found = self.do(lambda tx: adapters.every(tx, MODEL))
        live = [a.version for a in found if a.state is AdapterState.LIVE]
        assert live == ([self.line[-1]] if self.line[-1] != BASE else [])
        failed = {a.version for a in found if a.state is AdapterState.FAILED}
        assert failed == self.dead - self.deleted


TestAdapters = Adapters.TestCase
TestAdapters.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
