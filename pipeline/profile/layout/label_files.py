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
TRAINING = re.compile(r"(^|[^a-z])train", re.IGNORECASE)
TESTED = re.compile(r"(^|[^a-z])test[_-]", re.IGNORECASE)
"""A file of labels of what is tested on: not of a log that is called one to train on."""
MAX_LOOKED_AT = 10_000
"""Entries of a folder."""


def say_label_file(draft: Proposal, files: Sequence[str]) -> None:
    """Say in a doubt how labels that lie beside all of the logs can be used; they are not taken in silence."""
    if draft.label_columns or any("://" in file or "::" in file for file in files):
        return
    one_of_each_folder = {Path(file).parent: file for file in reversed(files)}
    for file in reversed(one_of_each_folder.values()):
        for pattern in _patterns(Path(file)):
            found = [_placed(pattern, Path(other)) for other in files]
            labelled = [label for label in found if label.is_file()]
            if {*map(str, found)} & {*files} or not labelled or len({*found}) < len(found):
                continue
            if len(labelled) < len(files) and len(one_of_each_folder) == 1:
                continue
            others = "" if len(labelled) == len(files) else ', and absent-labels = "zero" for logs that have none'
            draft.doubts.append(
                f"{_placed(pattern, Path(file))} lies beside {file}, and its name says that it holds labels. If "
                "it has a row for each row of the log, or intervals (start, end), say label-file = "
                f"{toml(pattern)}{others}"
            )
            return


def _patterns(log: Path) -> Iterator[str]:
    """Ways to write the path of such a file, from what lies in the folder of a log and around it."""
    stem = log.name.partition(".")[0]
    is_trained_on = TRAINING.search(f"{log.absolute().parent.name} {stem}") is not None
    for pattern in _every_pattern(log, stem):
        if not (is_trained_on and TESTED.search(pattern)):
            yield pattern


def _every_pattern(log: Path, stem: str) -> Iterator[str]:
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
            rest = entry.name.removeprefix(own)
            folder = f"{{folder}}{rest}" if rest != entry.name and own else f"{{folder}}/../{entry.name}"
            yield from (f"{folder}/{{name}}{found.suffix}" for found in _of(entry, stem))


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
