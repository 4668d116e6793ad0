"""Whole rounds on the tiny model and a real database: every way in which one can end."""

from __future__ import annotations

from bot.domain import RoundState
from tests.learner.town import Town


async def test_a_round_learns_what_was_liked_and_goes_live(town: Town) -> None:
    ana = await town.member("ana")
    await town.liked(ana, 20)
    ended = await town.round()
    assert ended.state is RoundState.PROMOTED, ended.reason
