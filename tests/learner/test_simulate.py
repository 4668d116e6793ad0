"""A whole simulation with the tiny model, and the decisions around it."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.domain import BASE, FeedbackKind, Part, RoundState, Sampling
from bot.errors import SettingsError
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from bot.settings.learning import LearnSettings
from bot.store import adapters, exchanges, rounds
from bot.store.database import Database
from learner import anchors
from learner.bar import Bar
from learner.simulate import RESULT, changes_of, main, staged
from learner.simulation import chatter
from learner.simulation.result import Result, curve, drifts, shown
from learner.simulation.stage import Plan, play, recipe_of
from learner.tastes import Taste
from tests.learner.town import PERSONA, QUICK

PLAN = Plan(seed=3, rounds=2, messages=8, tries=2, unseen=3, exam_tries=2)
SHORT = replace(PLAN, rounds=1)

LIKES_E = Taste("vowels", "an e", lambda text: "e" in text, lambda text: f"{text}e")
LIKES_NOTHING = Taste("nothing", "no reply at all", lambda _: False, lambda _: "the fox is here")


@pytest.fixture
async def settings(
    tmp_path: Path, tiny: BaseModel, tiny_model_dir: Path, anchors_dir: Path
) -> Settings:
    """Settings of a simulation with the tiny model, whose anchors are there already."""
    if not any(anchors_dir.iterdir()):
        await anchors.ensure(tiny, anchors_dir, persona=PERSONA, threads=1)
    shutil.copytree(anchors_dir, tmp_path / "anchors")
    return _settings(tmp_path, tiny_model_dir)


def _settings(data_dir: Path, model: Path, **changes: Any) -> Settings:
    own = {"data_dir": data_dir, "base_model": str(model), "threads": 1, "gate_min_gain": -1}
    return Settings(_env_file=None, **{**QUICK, **own, **changes})


async def test_a_simulation_talks_learns_and_reports(settings: Settings) -> None:
    result = await play(settings, LIKES_E, PLAN, Bar())

    data = json.loads(json.dumps(result.to_json()))
    assert data["taste"] == "vowels"
    assert data["seed"] == 3
    assert len(data["approval"]) == len(data["anchor_loss"]) == 1 + PLAN.rounds
    assert all(0 <= share <= 1 for share in data["approval"])
    assert [lap["state"] for lap in data["rounds"]] == ["promoted", "promoted"]
    assert [lap["live"] for lap in data["rounds"]] == [1, 2]
    assert data["rounds"][1]["report"]["counts"]["replay"] > 0
    assert data["anchor_loss"][1] != data["anchor_loss"][0]
    assert len(data["samples"]) == PLAN.unseen * PLAN.exam_tries

    database = await Database.open(settings.database)
    async with database.read() as conn:
        judged = await exchanges.judged(conn, trained_by_default=True)
        live = await adapters.live(conn, judged[0].exchange.base_model)
        lessons = await rounds.lessons(conn, 2)
    await database.close()
    assert len(judged) == PLAN.rounds * PLAN.messages * PLAN.tries
    assert live is not None
    assert live.version == 2
    # What the second round replays was answered before the first adapter was there.
    answered_by = {one.exchange.id: one.exchange.adapter for one in judged}
    assert {answered_by[x.exchange] for x in lessons if x.part is Part.REPLAY} == {BASE}
    unseen = set(chatter.said(unseen=True))
    assert not unseen & {one.exchange.prompt.turns[0].text for one in judged}


async def test_the_same_seed_gives_the_same_simulation(
    settings: Settings, tmp_path: Path, tiny_model_dir: Path
) -> None:
    other = _settings(tmp_path / "other", tiny_model_dir)
    shutil.copytree(settings.data_dir / "anchors", other.data_dir / "anchors")
    first = _timeless(await play(settings, LIKES_E, SHORT, Bar()))
    again = _timeless(await play(settings, LIKES_E, SHORT, Bar()))  # over what the first one left
    elsewhere = _timeless(await play(other, LIKES_E, SHORT, Bar()))
    assert first == again == elsewhere


async def test_a_community_that_likes_nothing_teaches_nothing(settings: Settings) -> None:
    result = await play(settings, LIKES_NOTHING, PLAN, Bar())

    assert result.approval == [0, 0, 0]
    assert [lap.state for lap in result.laps] == [RoundState.SKIPPED.value] * 2
    assert drifts(result) == [0, 0, 0]
    assert "skipped" in _printed(result)


async def test_a_rejected_round_is_shown_as_such(settings: Settings) -> None:
    strict = settings.model_copy(update={"gate_min_gain": 0.99})
    result = await play(strict, LIKES_E, SHORT, Bar())

    assert [lap.state for lap in result.laps] == [RoundState.REJECTED.value]
    assert [lap.live for lap in result.laps] == [BASE]
    assert len(set(result.approval)) == 1
    assert "rejected" in _printed(result)


async def test_a_moderator_corrects_a_share_of_what_is_disliked(settings: Settings) -> None:
    plan = Plan(rounds=1, messages=16, unseen=2, exam_tries=1, corrections=0.5)
    result = await play(settings, LIKES_NOTHING, plan, Bar())

    corrected = result.laps[0].tally.corrected
    assert 0 < corrected < 16
    assert "50% of disliked replies corrected" in _printed(result)
    database = await Database.open(settings.database)
    async with database.read() as conn:
        judged = await exchanges.judged(conn, trained_by_default=True)
    await database.close()
    events = [event for one in judged for event in one.feedback]
    corrections = [event for event in events if event.kind is FeedbackKind.CORRECTION]
    assert {event.text for event in corrections} == {"the fox is here"}
    assert len(corrections) == corrected


def test_unseen_messages_share_nothing_with_the_others() -> None:
    seen, unseen = chatter.said(unseen=False), chatter.said(unseen=True)
    assert len(seen) >= 440
    assert len(unseen) >= 60
    assert len({*seen, *unseen}) == len(seen) + len(unseen)
    for theme in chatter.THEMES:
        assert len(set(theme.things)) == len(theme.things)
        for thing in theme.things[-chatter.UNSEEN_THINGS :]:
            assert not any(f" {thing}" in message for message in seen), thing


def test_the_command_saves_its_figures_and_leaves_the_community_alone(
    settings: Settings,
    tiny_model_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = settings.data_dir
    (home / "thumbwise.db").write_text("the community's own")
    shutil.copytree(home / "anchors", home / "simulation" / "anchors")
    monkeypatch.setenv("DATA_DIR", str(home))
    monkeypatch.setenv("BASE_MODEL", str(tiny_model_dir))
    monkeypatch.setenv("DATABASE_URL", "sqlite+aiosqlite:////nowhere/community.db")
    monkeypatch.setenv("CONSENT", "opt-in")
    changes = [f"--set=persona={PERSONA}", "--set=threads=1", "--set=max_new_tokens=4"]
    with pytest.raises(SystemExit) as ended:
        main(["--rounds", "1", "--prompts", "2", "--taste", "brief", "--seed", "5", *changes])

    assert ended.value.code == 0
    data = json.loads((home / RESULT).read_text(encoding="utf-8"))
    assert data["taste"] == "brief"
    assert len(data["approval"]) == 2
    assert data["seed"] == data["settings"]["learn_seed"] == 5
    assert data["settings"]["consent"] == "opt-out"
    assert "a single sentence" in capsys.readouterr().out
    assert (home / "thumbwise.db").read_text() == "the community's own"
    assert (home / "simulation" / "thumbwise.db").exists()


def test_a_taste_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--taste", "sour"])
    assert ended.value.code == 2
    assert "question" in capsys.readouterr().err


def test_settings_can_be_changed(tmp_path: Path, tiny_model_dir: Path) -> None:
    assert changes_of(["EPOCHS=2"]) == {"epochs": "2"}
    home = _settings(tmp_path, tiny_model_dir, database_url="sqlite+aiosqlite:///elsewhere.db")
    assert staged(home, {"epochs": "2"}).epochs == 2
    assert staged(home).database.endswith("/simulation/thumbwise.db")
    with pytest.raises(SettingsError, match="EPOCHS"):
        staged(home, {"epochs": "many"})
    for wrong in ("epochs", "color=red", "=1"):
        with pytest.raises(SettingsError, match="NAME=VALUE"):
            changes_of([wrong])


def test_what_the_community_s_own_house_is_set_to_does_not_hinder_a_simulation(
    tmp_path: Path, tiny_model_dir: Path
) -> None:
    own = {"consent": "opt-in", "learn_seed": 9, "stop": ("?",), "banned_words": ("fox",)}
    home = _settings(tmp_path, tiny_model_dir, **own)
    found = staged(home, seed=3)
    assert (found.consent, found.learn_seed) == ("opt-out", 3)
    assert (found.stop, found.banned_words) == ((), ())
    assert staged(home).learn_seed == Plan().seed
    assert staged(home, {"learn_seed": "7"}).learn_seed == 7
    assert staged(home, {"stop": "?,!"}).stop == ("?", "!")


def test_every_setting_that_decides_the_result_is_saved_with_it(
    tmp_path: Path, tiny_model_dir: Path
) -> None:
    when = {"learn", "learn_every", "learn_cron", "learn_quiet_hours", "learn_min_verdicts"}
    decides = {"persona", "consent", *LearnSettings.model_fields} - when - {"learner_threads"}
    decides |= {field.name for field in fields(Sampling)}
    saved = json.loads(json.dumps(recipe_of(_settings(tmp_path, tiny_model_dir))))
    assert set(saved) == decides


def test_the_curve_grows_with_approval() -> None:
    lines = curve([0.0, 0.5, 1.0]).splitlines()
    assert lines[0] == "100% ┤                    █████"
    assert lines[5] == " 50% ┤           █████    █████"
    assert "50.0%" in lines[-1]


def _timeless(result: Result) -> dict[str, Any]:
    data = result.to_json()
    del data["seconds"]
    for lap in data["rounds"]:
        del lap["seconds"]
    return data


def _printed(result: Result) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(shown(result))
    return capture.get()
