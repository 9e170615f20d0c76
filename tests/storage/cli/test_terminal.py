"""Names in any letters, printed in any locale: no command ends with a traceback, and what is saved can be read."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused
from tests.helpers.paths import ROOT

PLAIN = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LOCALES = {
    "C": {**PLAIN, "LC_ALL": "C"},
    "ascii": {**PLAIN, "PYTHONIOENCODING": "ascii"},
    "latin-1": {**PLAIN, "PYTHONIOENCODING": "latin-1"},
}
CHANNELS = ("Größe °C", "流量")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    rows = "".join(
        f"2024-03-01 00:{row // 60:02}:{row % 60:02},{row % 11 / 4},{row % 7},ja\n" for row in range(120)
    )
    (tmp_path / "plant.csv").write_text(f"time,{','.join(CHANNELS)},geprüft\n{rows}", encoding="utf-8")
    return tmp_path / "plant.csv"


def command(locale: str, folder: Path, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **LOCALES[locale], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "longstride", *arguments], cwd=folder, env=environment, capture_output=True
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_names_in_any_letters_are_printed_in_any_locale(log: Path, locale: str) -> None:
    folder = log.parent
    proposed = command(locale, folder, "profile", "plant.csv")
    assert proposed.returncode == 0, proposed.stderr
    assert tomllib.loads(proposed.stdout.decode())["exclude"] == ["geprüft"]
    (folder / "plant.toml").write_bytes(proposed.stdout)
    for arguments in (
        ("ingest", "plant.csv", "--recipe", "plant.toml", "--out", "plant.zarr"),
        ("inspect", "plant.zarr"),
        ("verify", "plant.zarr"),
    ):
        done = command(locale, folder, *arguments)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    shown = command(locale, folder, "inspect", "plant.zarr").stdout.decode()
    assert all(name in shown for name in CHANNELS)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_the_user_names_is_told_in_one_line(log: Path, locale: str) -> None:
    folder = log.parent
    os.rename(log, os.fsencode(folder) + b"/plant-\xff.csv")  # noqa: PTH104
    for code, arguments in {
        "source-name": ("ingest", b"plant-\xff.csv", "--out", "plant.zarr", "--time", "time"),
        "option-value": ("ingest", "none.csv", "--out", b"plant-\xff.zarr", "--time", "time"),
        "source-missing": ("ingest", "größe.csv", "--out", "plant.zarr", "--time", "time"),
    }.items():
        done = command(locale, folder, *arguments)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        if code != "option-value":
            assert_refused(done.stderr.decode(), code)
    assert sorted(os.listdir(os.fsencode(folder))) == [b"plant-\xff.csv"]  # noqa: PTH208


def test_a_name_does_not_steer_the_terminal(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    """In what is printed, and in an error."""
    name = "\x1b[2Jflow\r\x07\u202e"
    store = make_store(tmp_path / "plant.zarr", rows=10, channels=(name,))
    for arguments in (["inspect", str(store.path)], ["inspect", f"{store.path}{name}"]):
        done = subprocess.run([sys.executable, "-m", "longstride", *arguments], capture_output=True, text=True)
        shown = done.stdout + done.stderr
        assert r"flow\r\x07\u202e" in shown  # click itself takes colours out of what is no terminal
        assert not any(character in shown for character in name if not character.isprintable())
