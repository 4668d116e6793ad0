"""Settings: the example file, plain sentences, no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import settings
from bot.domain import Person, Role
from bot.env_example import text
from bot.errors import SettingsError
from bot.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_env_example_is_in_step() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == text()


def test_env_example_reads_back_as_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(text(), encoding="utf-8")
    assert settings.load() == Settings(_env_file=None)


def test_every_setting_has_one_line_of_meaning() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert "\n" not in field.description
        assert len(field.description) < 100, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TEMPERATURE", "hot"),
        ("TEMPERATURE", "9"),
        ("DEVICE", "tpu"),
        ("ADMINS", "bob"),
        ("COMMUNITIES", "discord:home"),
        ("CONSOLE_LISTEN", "8080"),
        ("CONSOLE_LISTEN", "localhost:99999"),
        ("TELEGRAM_WEBHOOK_LISTEN", "anywhere"),
        ("DATA_DIR", "what?"),
        ("LEARN_QUIET_HOURS", "evening"),
        ("LEARN_CRON", "often"),
        ("MAX_BATCH", "0"),
        ("CONSENT", "maybe"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        settings.load()
    said = str(error.value)
    assert said.startswith(name)
    assert "\n" not in said
    assert "pydantic" not in said


def test_empty_means_nobody_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMINS", "PERSONA", "SEED", "TEMPERATURE", "DEVICE", "DATA_DIR"):
        monkeypatch.setenv(name, "")
    loaded = settings.load()
    assert (loaded.admins, loaded.persona, loaded.seed) == ((), "", None)
    assert (loaded.temperature, loaded.device, loaded.data_dir) == (0.7, "auto", Path("data"))


def test_the_data_directory_is_private(tmp_path: Path) -> None:
    made = settings.prepared(data_dir=tmp_path / "a" / "data")
    assert made.data_dir.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="DATA_DIR cannot be made"):
        settings.prepared(data_dir=tmp_path / "file" / "data")


def test_shares_leave_room_for_new_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_SHARE", "0.6")
    monkeypatch.setenv("ANCHOR_SHARE", "0.4")
    with pytest.raises(SettingsError, match="REPLAY_SHARE and ANCHOR_SHARE"):
        settings.load()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    loaded = settings.load()
    assert loaded.discord_token == SecretStr("very-secret")
    assert "very-secret" not in repr(loaded)
    assert "very-secret" not in str(loaded.model_dump())


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMINS", "discord:1, telegram:2 ,")
    monkeypatch.setenv("STOP", "\\nUser:,END")
    loaded = settings.load()
    assert loaded.admins == ("discord:1", "telegram:2")
    assert loaded.sampling.stop == ("\nUser:", "END")


@pytest.mark.parametrize(
    ("key", "granted", "role"),
    [
        ("1", Role.MEMBER, Role.ADMIN),
        ("2", Role.MEMBER, Role.MODERATOR),
        ("2", Role.ADMIN, Role.ADMIN),
        ("3", Role.MODERATOR, Role.MODERATOR),
        ("3", Role.MEMBER, Role.MEMBER),
    ],
)
def test_role_is_the_higher_of_settings_and_platform(key: str, granted: Role, role: Role) -> None:
    loaded = Settings(_env_file=None, admins=("discord:1",), moderators=("discord:2",))
    assert loaded.role_of(Person("discord", key, "x", granted)) is role
