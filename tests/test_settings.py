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
from bot.settings.sentences import kind

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


PLACE = "takes host:port, such as 127.0.0.1:8080."
SERVER = "takes an address such as https://example.org or http://127.0.0.1:8081."
GATEWAY = "takes an address such as wss://example.org or ws://127.0.0.1:8081."
WEBHOOK = "takes an https address, such as https://bot.example.org/telegram."
HOME = "takes a path; nobody here has the home that ~ stands for."
PEOPLE = (
    "takes people such as terminal:ana or, always by number, discord:123456 and telegram:123456"
)
COMMUNITIES = "takes communities such as discord:123456 or telegram:-100123456"
CRON = "takes a cron expression of five fields, such as 0 3 * * mon-fri."


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LEARN", "perhaps", "takes true or false."),
        ("CONSOLE", "2", "takes true or false."),
        ("MAX_BATCH", "0", "takes a whole number from 1 to 256."),
        ("MAX_BATCH", "257", "takes a whole number from 1 to 256."),
        ("MAX_BATCH", "1.5", "takes a whole number from 1 to 256."),
        ("MAX_BATCH", "many", "takes a whole number from 1 to 256."),
        ("SEED", "x", "takes a whole number from 0 to 9223372036854775807, or nothing."),
        ("TEMPERATURE", "hot", "takes a number from 0 to 5."),
        ("TEMPERATURE", "9", "takes a number from 0 to 5."),
        ("TEMPERATURE", "nan", "takes a number from 0 to 5."),
        ("TOP_P", "0", "takes a number above 0 and at most 1."),
        ("LORA_DROPOUT", "1", "takes a number of at least 0 and below 1."),
        ("DEVICE", "tpu", "takes auto, cpu or cuda."),
        ("CONSENT", "maybe", "takes opt-out or opt-in."),
        ("PERSONA", "\udcff", "takes UTF-8 text."),
        ("DATA_DIR", "what?", "takes a path without a question mark, which database URLs read."),
        ("DATA_DIR", "~nobody-of-that-name/x", HOME),
        ("ADMINS", "bob", f"{PEOPLE}; entry 1 is none."),
        ("ADMINS", "terminal:ana,telegram:@ana", f"{PEOPLE}; entry 2 is none."),
        ("ADMINS", "discord:ana", f"{PEOPLE}; entry 1 is none."),
        ("ADMINS", "web:owner,,telegram:-5", f"{PEOPLE}; entry 2 is none."),
        ("MODERATORS", "discord:1\n", f"{PEOPLE}; entry 1 is none."),
        ("COMMUNITIES", "discord:1,here", f"{COMMUNITIES}; entry 2 is none."),
        ("CONSOLE_LISTEN", "http://127.0.0.1:8080", PLACE),
        ("CONSOLE_LISTEN", "my host:80", PLACE),
        ("CONSOLE_LISTEN", "*:8080", PLACE),
        ("CONSOLE_LISTEN", "localhost:" + "1" * 5000, PLACE),
        ("TELEGRAM_WEBHOOK_LISTEN", "127.0.0.1:80 ", PLACE),
        ("CONSOLE_LISTEN", "8080", PLACE),
        ("CONSOLE_LISTEN", "localhost:99999", PLACE),
        ("TELEGRAM_WEBHOOK_LISTEN", "anywhere", PLACE),
        ("DISCORD_API_BASE", "nonsense", SERVER),
        ("DISCORD_API_BASE", "https://", SERVER),
        ("DISCORD_API_BASE", "https://a b", SERVER),
        ("DISCORD_API_BASE", "https://here:port", SERVER),
        ("TELEGRAM_API_BASE", "ftp://here", SERVER),
        ("DISCORD_GATEWAY", "https://here", GATEWAY),
        ("TELEGRAM_WEBHOOK_URL", "http://x", WEBHOOK),
        ("TELEGRAM_WEBHOOK_URL", "bot.example.org", WEBHOOK),
        (
            "TELEGRAM_WEBHOOK_SECRET",
            "no blanks",
            "takes up to 256 letters, digits, underscores and hyphens.",
        ),
        ("LEARN_QUIET_HOURS", "evening", "takes two times of day, such as 18:00-23:30."),
        ("LEARN_CRON", "often", CRON),
        ("LEARN_CRON", "61 * * * *", CRON),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        settings.load()
    assert str(error.value) == f"{name} {sentence}"


def test_there_is_a_sentence_for_every_setting() -> None:
    for name, field in Settings.model_fields.items():
        assert kind(field), name


def test_two_wrong_values_are_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEARN", "perhaps")
    monkeypatch.setenv("DEVICE", "tpu")
    with pytest.raises(SettingsError) as error:
        settings.load()
    assert sorted(str(error.value).splitlines()) == [
        "DEVICE takes auto, cpu or cuda.",
        "LEARN takes true or false.",
    ]


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("TELEGRAM_WEBHOOK_SECRET", "DISCORD_API_BASE", "TEMPERATURE")
    for name in (*names, "ADMINS", "MODERATORS", "COMMUNITIES", "CONSOLE_LISTEN"):
        monkeypatch.setenv(name, "very secret")
    with pytest.raises(SettingsError) as error:
        settings.load()
    assert "very secret" not in str(error.value)


@pytest.mark.parametrize(
    "given",
    [
        {"DISCORD_API_BASE": "http://127.0.0.1:9/api/v10", "DISCORD_GATEWAY": "ws://127.0.0.1:9/g"},
        {"TELEGRAM_WEBHOOK_URL": "https://bot.example.org/telegram"},
        {"TELEGRAM_API_BASE": "http://[::1]:9", "TELEGRAM_WEBHOOK_URL": "http://127.0.0.1:8/t"},
        {"TELEGRAM_WEBHOOK_SECRET": "a-Z_0"},
        {"CONSOLE_LISTEN": "[::1]:0"},
        {"CONSOLE_LISTEN": "::1:8080"},
        {"CONSOLE_LISTEN": "my-host.example.org:8080"},
        {"TELEGRAM_WEBHOOK_LISTEN": "0.0.0.0:65535"},
        {"ADMINS": "terminal:Ana-Lena,web:owner", "COMMUNITIES": "telegram:-1001,discord:1"},
    ],
)
def test_addresses_that_can_be_used(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    """A Bot API server of one's own may bring updates without TLS; Telegram's does not."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings.load()


def test_an_env_file_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("PERSONA=Grüße\n".encode("latin-1"))
    with pytest.raises(SettingsError) as error:
        settings.load()
    assert str(error.value) == ".env is not UTF-8 text; save it as UTF-8."


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("PERSONA='It's me'\n", [1]),
        ('TOP_K=3\n\n# a word\n\nDISCORD_TOKEN="secret\nSEED=1\n', [5]),
        ("LEARN=false\r\n\r\n\r\nDISCORD_TOKEN: secret\r\n", [4]),
        ("secret\nSEED=1\nDISCORD_TOKEN secret\n", [1, 3]),
    ],
)
def test_a_line_of_the_env_file_that_sets_nothing_is_refused(
    tmp_path: Path, text: str, lines: list[int]
) -> None:
    """By its number: what stands there may be a token."""
    (tmp_path / ".env").write_bytes(text.encode())
    with pytest.raises(SettingsError) as error:
        settings.load()
    assert str(error.value).splitlines() == [
        f".env line {line} cannot be read: is a quote not closed, or the = missing?"
        for line in lines
    ]


def test_an_env_file_as_people_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes, comments, `export`, several lines, and variables as the head of the example says."""
    monkeypatch.setenv("FRIEND", "Ana")
    (tmp_path / ".env").write_text(
        '\ufeff# settings\n\nexport TOP_K=3 # few\nPERSONA="Be kind\nto ${FRIEND}${NOBODY}."\n'
        "STOP='it\\'s'\nADMINS=\n\n",
        encoding="utf-8",
    )
    loaded = settings.load()
    assert (loaded.top_k, loaded.persona) == (3, "Be kind\nto Ana.")
    assert (loaded.stop, loaded.admins) == (("it's",), ())


def test_a_missing_env_file_and_a_folder_of_that_name_are_left_alone(tmp_path: Path) -> None:
    assert settings.load() == Settings(_env_file=None)
    (tmp_path / ".env").mkdir()
    assert settings.load() == Settings(_env_file=None)


def test_the_home_directory_is_found_without_a_shell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA_DIR", "~/thumbwise")
    assert settings.load().data_dir == tmp_path / "thumbwise"


def test_a_misspelt_name_in_the_env_file_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEMPRATURE", "0.2")  # the environment is full of other people's names
    assert settings.unknown_names() == []
    (tmp_path / ".env").write_text("TEMPRATURE=0.2\ntop_k=3\nZZ=1\n")
    assert settings.load().top_k == 3
    assert settings.unknown_names() == [
        ".env sets TEMPRATURE, which is no setting and does nothing; TEMPERATURE may be meant.",
        ".env sets ZZ, which is no setting and does nothing.",
    ]


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
