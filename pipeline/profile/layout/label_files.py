"""Files of labels that lie beside logs, and are called after them: test.csv and test_label.csv."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.proposal import Proposal

__all__ = ["say_label_file"]

WORD = r"(test[_-]?)?(ground[_-]?truth|labels?|anomal(y|ies)|gt)"
BESIDE = re.compile(rf"(?P<name>.+?)[_.-](?P<word>{WORD})", re.IGNORECASE)
FOLDER = re.compile(rf"(?P<name>.*?)[_-]?(?P<word>{WORD})", re.IGNORECASE)
MAX_LOOKED_AT = 10_000
"""Entries of a folder."""


def say_label_file(draft: Proposal, files: Sequence[str]) -> None:
    """Say in a doubt how labels that lie beside all of the logs can be used; they are not taken in silence."""
    if draft.label_columns or any("://" in file or "::" in file for file in files):
        return
    for pattern in _patterns(Path(files[0])):
        found = [_placed(pattern, Path(file)) for file in files]
        if all(label.is_file() for label in found) and not {*map(str, found)} & {*files}:
            draft.doubts.append(
                f"{found[0]} lies beside {files[0]}, and its name says that it holds labels. If it has a row for "
                f"each row of the log, or intervals (start, end), say label-file = {toml(pattern)}"
            )
            return


def _patterns(log: Path) -> Iterator[str]:
    """Ways to write the path of such a file, from what lies in the folder of a log and around it."""
    stem = log.name.partition(".")[0]
    for entry in _entries(log.absolute().parent):
        match = BESIDE.fullmatch(entry.stem)
        if match and match["name"] == stem:
            yield "{folder}/" + entry.name.replace(stem, "{name}", 1)
        if FOLDER.fullmatch(entry.name) and entry.is_dir():
            yield from (f"{{folder}}/{entry.name}/{{name}}{found.suffix}" for found in _of(entry, stem))
    own = log.absolute().parent.name
    for entry in _entries(log.absolute().parent.parent):
        match = FOLDER.fullmatch(entry.name)
        if match and match["name"] in ("", own) and entry.is_dir():
            yield from (f"{{folder}}/../{entry.name}/{{name}}{found.suffix}" for found in _of(entry, stem))


def _of(folder: Path, stem: str) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.stem == stem]


def _entries(folder: Path) -> list[Path]:
    try:
        entries = folder.iterdir()
        return sorted(entry for entry, _ in zip(entries, range(MAX_LOOKED_AT), strict=False))
    except OSError:
        return []


def _placed(pattern: str, log: Path) -> Path:
    name = log.name.partition(".")[0]
    return Path(pattern.replace("{name}", name).replace("{folder}", str(log.absolute().parent)))
