"""The benchmark: its figures, its fairness, and a whole run with the tiny model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from bot.domain import Progress
from bot.errors import SettingsError, ThumbwiseError
from bot.generator.base_model import BaseModel
from bot.settings import Settings
from learner import anchors
from learner.__main__ import app, main
from learner.bar import Bar
from learner.bench import command
from learner.bench.arms import blank, needed, selections, stages
from learner.bench.course import run
from learner.bench.figures import Exam, figures
from learner.bench.plan import Arm, Plan
from learner.bench.result import shown
from learner.bench.tasks import GREETING, MANNERS, Task, deal
from learner.curate import Shares
from learner.examples import Example
from learner.measure import accuracy_of, losses_of
from learner.simulation import chatter
from tests.learner.test_train import taught
from tests.learner.town import PERSONA, QUICK

PLAN = Plan(tasks=2, examples=6, held_out=3, seed=3)
SHARES = Shares(replay=0.5, anchor=0.25, held_out=0.15, rater=0.5, refit_limit=2000)


@pytest.fixture
async def settings(
    tmp_path: Path, tiny: BaseModel, tiny_model_dir: Path, anchors_dir: Path
) -> Settings:
    """Settings of a benchmark with the tiny model, whose anchors are there already."""
    if not any(anchors_dir.iterdir()):
        await anchors.ensure(tiny, anchors_dir, persona=PERSONA, threads=1)
    shutil.copytree(anchors_dir, tmp_path / "anchors")
    own = {"data_dir": tmp_path, "base_model": str(tiny_model_dir), "threads": 1}
    return Settings(_env_file=None, **{**QUICK, **own, "epochs": 2, "batch_examples": 3})


def exam(loss: tuple[float, ...], accuracy: tuple[float, ...], anchors: float = 2.0) -> Exam:
    """What a model got."""
    return Exam(loss, accuracy, anchors)


def test_the_figures_are_those_of_the_papers() -> None:
    base = exam((5.0, 5.0, 5.0), (0.1, 0.2, 0.3))
    after = [
        exam((1.0, 4.0, 5.0), (0.8, 0.3, 0.2)),
        exam((2.0, 1.0, 4.0), (0.9, 0.7, 0.4)),
        exam((3.0, 2.0, 1.0), (0.5, 0.6, 0.7), anchors=2.5),
    ]
    found = figures(base, after)
    assert found.loss == pytest.approx(2.0)
    assert found.accuracy == pytest.approx(0.6)
    assert found.learned == pytest.approx((0.8 + 0.7 + 0.7) / 3)
    assert found.backward == pytest.approx(((0.5 - 0.8) + (0.6 - 0.7)) / 2)
    assert found.forgetting == pytest.approx(((0.9 - 0.5) + (0.7 - 0.6)) / 2)
    assert found.forward == pytest.approx(((0.3 - 0.2) + (0.4 - 0.3)) / 2)
    assert found.backward_loss == pytest.approx(((3 - 1) + (2 - 1)) / 2)
    assert found.drift == pytest.approx(0.25)


def test_what_was_learned_at_once_has_no_transfer() -> None:
    found = figures(exam((5.0, 5.0), (0.1, 0.2)), [exam((1.0, 2.0), (0.8, 0.6))])
    assert found.loss == pytest.approx(1.5)
    assert found.accuracy == found.learned == pytest.approx(0.7)
    assert found.backward is found.forgetting is found.forward is found.backward_loss is None


def test_accuracy_counts_the_tokens_that_are_likeliest(tiny: BaseModel) -> None:
    (wanted,) = taught(tiny, range(1))
    model, ids = tiny.model, [*wanted.ids[: wanted.start]]
    for _ in range(4):  # what the model itself would say
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    own = replace(wanted, ids=tuple(ids))
    wrong = (ids[-1] + 1) % model.config.vocab_size
    spoiled = replace(wanted, ids=(*ids[:-1], wrong))
    found = losses_of(tiny, model, [own, spoiled])
    assert found[own][1:] == (4, 4)
    assert found[spoiled][1:] == (4, 3)
    assert accuracy_of(found.values()) == 7 / 8


@pytest.mark.parametrize("tasks", [2, 3, 6])
def test_tasks_share_no_message_and_no_subject(tasks: int) -> None:
    subjects = deal([24] * tasks, held_out=6, seed=1)
    themes = [
        {*chatter.said_of(theme, unseen=False), *chatter.said_of(theme, unseen=True)}
        for theme in chatter.THEMES
    ]
    owners: dict[int, str] = {}
    for subject in subjects:
        assert len(set(subject.learned)) == 24
        assert len(set(subject.held_out)) == 6
        assert set(subject.learned) <= set(chatter.said(unseen=False))
        assert set(subject.held_out) <= set(chatter.said(unseen=True))
        for number, theme in enumerate(themes):
            if theme & {*subject.learned, *subject.held_out}:
                assert owners.setdefault(number, subject.manner.name) == subject.manner.name
    assert len({subject.manner.name for subject in subjects}) == tasks
    assert subjects == deal([24] * tasks, held_out=6, seed=1)
    assert subjects != deal([24] * tasks, held_out=6, seed=2)


def test_too_many_tasks_or_messages_are_refused() -> None:
    with pytest.raises(ThumbwiseError, match=f"at most {len(MANNERS)}, not 7"):
        deal([4] * 7, held_out=2, seed=1)
    with pytest.raises(ThumbwiseError, match="Lower --examples, --held-out or --tasks"):
        deal([24] * 6, held_out=7, seed=1)


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
@pytest.mark.parametrize("reply", ["I'm Fine. How are you? Good!", "", "...", "no end to THIS"])
def test_a_manner_is_of_one_piece(manner: Any, reply: str) -> None:
    rewritten = manner.rewrite(reply)
    assert rewritten == manner.rewrite(reply)
    ways: Mapping[str, Callable[[str], bool]] = {
        "question": lambda text: text.endswith("?"),
        "listy": lambda text: text.count("- ") >= 2,
        "cheerful": lambda text: text.endswith("!"),
        "greeting": lambda text: text.startswith(GREETING),
        "lower": lambda text: text == text.lower(),
        "brief": lambda text: text.endswith("."),
    }
    assert ways[manner.name](rewritten)


@pytest.mark.parametrize("examples", [2, 6, 12, 20, 21, 33])
@pytest.mark.parametrize("share", [0.05, 0.15, 0.5])
def test_what_rounds_hold_out_comes_on_top(examples: int, share: float) -> None:
    shares = replace(SHARES, held_out=share)
    counts = needed(3, examples, shares, seed=1)
    chosen = selections(blank(counts), shares, seed=1)
    assert [len(one.new) for one in chosen] == [examples] * 3
    assert len(chosen[-1].held_out) == sum(counts) - 3 * examples > 0


def test_all_arms_learn_the_same_in_as_many_steps() -> None:
    approved = blank(needed(3, 12, SHARES, seed=1))
    chosen = selections(approved, SHARES, seed=1)
    tasks = [Task(MANNERS[number], tuple(some), ()) for number, some in enumerate(approved)]
    ours, naive, joint = (stages(arm, tasks, chosen, batch=2) for arm in Arm)
    assert [s.new for s in ours] == [s.new for s in naive] == [one.new for one in chosen]
    assert joint[0].new == (*chosen[0].new, *chosen[1].new, *chosen[2].new)
    assert [s.steps for s in ours] == [s.steps for s in naive] == [6, 6, 6]
    assert [s.steps for s in joint] == [18]
    # ours replays what it learned before, and nothing else
    assert [len(s.replay) for s in ours] == [0, 12, 24]
    assert ids(ours[2].replay) == ids((*chosen[0].new, *chosen[1].new))
    assert [s.anchors for s in ours] == [4, 8, 12]
    assert not any(s.replay or s.anchors for s in (*naive, *joint))
    # each sees only what it may, and nobody trains on what it is judged by
    assert ids(naive[2].validation) < ids(tasks[2].examples)
    assert ids(ours[2].validation) == ids(joint[0].validation) > ids(naive[2].validation)
    for stage in (*ours, *naive, *joint):
        assert not ids(stage.validation) & ids((*stage.new, *stage.replay))


def ids(examples: Iterable[Example]) -> set[int]:
    """Which examples these are."""
    return {example.exchange for example in examples}


def test_a_benchmark_measures_every_arm(settings: Settings, tmp_path: Path) -> None:
    result = run(settings, PLAN, tmp_path / "training", Bar())

    data = json.loads(json.dumps(result.to_json()))
    assert [task["name"] for task in data["tasks"]] == ["question", "listy"]
    assert data["tasks"][0]["sample"]["reply"].endswith("?")
    assert list(data["arms"]) == ["ours", "naive", "joint"]
    shapes = {name: len(arm["matrix"]["loss"]) for name, arm in data["arms"].items()}
    assert shapes == {"ours": 2, "naive": 2, "joint": 1}
    for arm in data["arms"].values():
        assert all(len(row) == 2 for rows in arm["matrix"].values() for row in rows)
        assert arm["figures"]["loss"] < sum(data["base"]["loss"]) / 2
        assert arm["steps"] == 2 * 2 * 2  # tasks, epochs, steps in each
        assert arm["anchors"][-1] != data["base"]["anchors"]
    ours, naive = data["arms"]["ours"], data["arms"]["naive"]
    assert naive["matrix"]["loss"][1][0] > ours["matrix"]["loss"][1][0]
    assert ours["tokens"] > naive["tokens"]
    assert [stage["replay"] for stage in ours["stages"]] == [0, 6]
    assert data["settings"]["epochs"] == 2

    printed = text_of(result)
    for words in ("backward transfer", "drift on anchors", "naive        listy", "seed 3"):
        assert words in printed
    assert "…" not in printed, "nothing is cut off"


def test_the_same_seed_gives_the_same_figures(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"epochs": 1})
    plan = replace(PLAN, examples=2, held_out=2, arms=(Arm.NAIVE,))
    one = run(settings, plan, tmp_path / "1", Bar())
    assert run(settings, plan, tmp_path / "2", Bar()).figures(Arm.NAIVE) == one.figures(Arm.NAIVE)
    other = run(settings, replace(plan, seed=4), tmp_path / "3", Bar())
    assert other.figures(Arm.NAIVE) != one.figures(Arm.NAIVE)


def test_progress_runs_through_all_arms(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    monkeypatch.setattr(Bar, "show", lambda _self, progress: told.append(progress))
    run(settings, replace(PLAN, arms=(Arm.JOINT, Arm.NAIVE)), tmp_path / "training", Bar())
    learning = [p for p in told if p.note.startswith(("joint", "naive"))]
    assert [p.step for p in learning] == list(range(1, 17))
    assert {p.steps for p in learning} == {16}


def test_the_command_saves_and_shows_its_figures(
    settings: Settings,
    tiny_model_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = settings.data_dir
    monkeypatch.setenv("DATA_DIR", str(home))
    monkeypatch.setenv("BASE_MODEL", str(tiny_model_dir))
    (home / "thumbwise.db").write_text("the community's own")
    (home / "bench" / "training" / "naive").mkdir(parents=True)  # as a killed one leaves it
    words = ["bench", "--tasks", "2", "--examples", "2", "--held-out", "1", "--arm", "naive"]
    changes = [f"--set=PERSONA={PERSONA}", "--set=threads=1", "--set=epochs=1"]
    app([*words, *changes], standalone_mode=False)

    data = json.loads((home / command.RESULT).read_text(encoding="utf-8"))
    assert list(data["arms"]) == ["naive"]
    assert data["settings"]["epochs"] == 1
    assert data["ran_on"]["base_model"]
    printed = capsys.readouterr()
    assert "Held-out accuracy on each task" in printed.out
    assert f"Saved in {home / command.RESULT}." in printed.out
    assert "naive, after question" in printed.err
    assert (home / "thumbwise.db").read_text() == "the community's own"
    assert not (home / "bench" / "training").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tasks", "7"], "--tasks can be at most 6"),
        (["--examples", "500"], "Lower --examples, --held-out or --tasks."),
        (["--set", "colour=red"], "--set takes NAME=VALUE"),
        (["--set", "EPOCHS=0"], "EPOCHS"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.setenv("DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr("sys.argv", ["learner", "bench", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert sentence in said
    assert len(said.splitlines()) == 1, said
    assert not (settings.data_dir / command.RESULT).exists()


@pytest.mark.parametrize(
    ("out", "words"), [(".", "is a directory"), ("missing/bench.json", "is no directory")]
)
def test_where_nothing_can_be_saved_nothing_is_begun(
    settings: Settings, tmp_path: Path, out: str, words: str
) -> None:
    nowhere = settings.model_copy(update={"base_model": "/nowhere/at/all"})
    with pytest.raises(ThumbwiseError, match=words):
        command.bench(nowhere, PLAN, tmp_path / out)


def test_messages_that_do_not_fit_are_one_sentence(settings: Settings, tmp_path: Path) -> None:
    short = settings.model_copy(update={"example_tokens": 32})
    with pytest.raises(SettingsError, match="Raise EXAMPLE_TOKENS"):
        run(short, PLAN, tmp_path / "training", Bar())


def test_settings_of_its_own_can_be_changed(settings: Settings) -> None:
    given = settings.model_copy(update={"batch_examples": 8})
    assert command.staged(given, {}).batch_examples == 2
    assert command.staged(given, {"batch_examples": "4"}).batch_examples == 4
    assert command.staged(given, {}).learning_rate == given.learning_rate


def text_of(result: Any) -> str:
    """What a person sees on a terminal of 80 columns."""
    console = Console(width=80)
    with console.capture() as capture:
        console.print(shown(result))
    return capture.get()
