"""Names of sources: paths, patterns, folders and URLs, expanded to single files, each once."""

import glob
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.sources.compressed import COMPRESSED_SUFFIXES
from longstride.pipeline.ingest.sources.files import unreadable
from longstride.pipeline.ingest.sources.urls import address, filesystem, is_local, unreachable
from longstride.storage.format import ROOT
from longstride.storage.location import expanded
from longstride.storage.places.object_answers import fault_of_path, said_while_silent

__all__ = ["Names", "as_list", "find_files", "key_of"]

SUFFIXES = (".csv", ".tsv", ".txt", ".log", ".json", ".ndjson", ".jsonl", ".parquet", ".pq", ".arrow", ".feather")
NO_LOGS = f"no file in this folder ends with {', '.join(SUFFIXES)}: name the files"
REPORT_SUFFIX = ".report"
REPORT = {"report.json", "rejects"}
"""What the folder of a report holds, one of them at least."""

Names = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def as_list(names: Names) -> list[str | os.PathLike[str]]:
    """One name or several, to be walked more than once. Raises RecipeError for what is none of them."""
    if names is None or isinstance(names, str | os.PathLike):
        return [names] if names is not None else []
    try:
        return list(names)
    except TypeError:
        raise RecipeError(f"the source {names!r} is not a path or a URL", code="option-value") from None


def find_files(names: Names) -> list[str]:
    """Names of single files, of one name or several: patterns and folders are expanded, in alphabetical order.

    Raises RecipeError where nothing is named or a file is reached twice, SourceError where a file does not exist,
    is none, or has a name that cannot be stored.
    """
    names = as_list(names)
    if not names:
        raise RecipeError("no source is named: give at least one file", code="source-unnamed")
    for name in names:
        if not isinstance(name, str | os.PathLike) or not isinstance(os.fspath(name), str):
            raise RecipeError(f"the source {name!r} is not a path or a URL", code="option-value")
        if not os.fspath(name):
            raise RecipeError("a source has an empty name: is a variable of the shell unset?", code="option-value")
    found = [file for name in names for file in _expanded(os.fspath(name))]
    by_key = defaultdict(list)
    for file in found:
        _refuse_unspeakable(file)
        by_key[key_of(file)].append(file)
    for first, *others in by_key.values():
        if others:
            also = f" (as {others[0]})" if others[0] != first else ""
            raise RecipeError(
                f"{first} is named twice among the sources{also}: name it once", code="source-repeated"
            )
    return found


def _refuse_unspeakable(name: str) -> None:
    """Raise SourceError for a name that is not Unicode: a store and its reports could not hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        data = os.fsencode(name)
        try:
            shown, remedy = data.decode(), "the locale of this shell has no such letters: set LC_ALL=C.UTF-8"
        except UnicodeDecodeError:
            shown, remedy = data.decode(errors="backslashreplace"), "its name is not UTF-8: rename the file"
        raise SourceError(shown, remedy, code="source-name") from None


def _expanded(name: str) -> list[str]:
    if "://" in name:
        return _expanded_url(name)
    name = expanded(name)
    try:
        status = os.stat(name)  # noqa: PTH116
    except (OSError, ValueError) as error:  # ValueError: a zero byte, or letters that the file system has not
        matches = sorted(set(glob.glob(name, recursive=True))) if glob.has_magic(name) else []  # noqa: PTH207
        files = [file for file in matches if not Path(file).is_dir()]
        if not files and (fault := fault_of_path(name)):
            raise SourceError(name, fault, code="source-address") from None
        if not files:
            missing = SourceError(name, "there is no such file", code="source-missing")
            raise (unreadable(name, error) if isinstance(error, OSError) else missing) from error
        return [_single(file) for file in files]
    return _logs_in(name) if stat.S_ISDIR(status.st_mode) else [_single(name)]


def _single(name: str) -> str:
    """The name of one file. Raises SourceError where it is none."""
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116
    except OSError as error:
        raise unreadable(name, error) from error
    if not stat.S_ISREG(mode):
        raise SourceError(
            name, "this is a pipe or a device: write what it gives to a file first", code="source-format"
        )
    return name


def _logs_in(folder: str) -> list[str]:
    """The logs of a folder and of those below it, but not what Longstride itself has written there."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder, onerror=partial(_refuse_folder, folder)):
        own = _written_by_us(place, {*folders, *files})
        if own and place == folder:
            raise SourceError(folder, own, code="source-format")
        if own:
            folders.clear()
        else:
            found += [Path(place, file) for file in files]
    logs = sorted(str(file) for file in found if _is_log(file.relative_to(folder)))
    if not logs:
        raise SourceError(folder, NO_LOGS, code="source-missing")
    return [_single(log) for log in logs]


def _refuse_folder(name: str, error: OSError) -> None:
    raise unreadable(error.filename or name, error) from error


def _written_by_us(folder: str, entries: Set[str]) -> str:
    """What to say of a folder that an ingest has written; nothing where it is another."""
    if ROOT in entries:
        return (
            "this is a store, or another Zarr group: name the logs that it was made from, or write its rows to a "
            "file with `longstride export`"
        )
    if folder.rstrip("/").endswith(REPORT_SUFFIX) and entries & REPORT:
        return "this is the report of an ingest: name the logs"
    return ""


def _expanded_url(url: str) -> list[str]:
    system, path = filesystem(url)
    with said_while_silent(url):
        return _found(system, path, url)


def _found(system: Any, path: str, url: str) -> list[str]:
    own = ""
    try:
        if not url.endswith("/") and system.isfile(path):
            return [url]
        is_pattern = glob.has_magic(url)
        if is_pattern:
            found = sorted(file for file in system.glob(path) if system.isfile(file))
        elif system.isdir(path):
            found, own = _logs_among(system.find(path), path.rstrip("/"))
        else:
            return [url]
    except Exception as error:
        raise unreachable(url, error) from error
    if own:
        raise SourceError(url, own, code="source-format")
    if not found:
        raise SourceError(url, "there is no such file" if is_pattern else NO_LOGS, code="source-missing")
    return [address(system, file, url) for file in found]


def _logs_among(files: Sequence[str], folder: str) -> tuple[list[str], str]:
    """The logs, as in `_logs_in`, among all files below a folder; and what is wrong with the folder itself."""
    entries: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        path = PurePosixPath(file)
        for entry in (path, *path.parents):
            entries[str(entry.parent)].add(entry.name)
    own = {place for place, names in entries.items() if _written_by_us(place, names)}
    below = [file for file in files if own.isdisjoint(map(str, PurePosixPath(file).parents))]
    logs = sorted(file for file in below if _is_log(PurePosixPath(file[len(folder) :].strip("/"))))
    return logs, _written_by_us(folder, entries[folder])


def _is_log(path: PurePath) -> bool:
    """Whether a file is meant where its folder is named. `path` is that within the folder; hidden ones are not."""
    stem = path.name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem.endswith(SUFFIXES) and not any(part.startswith(".") for part in path.parts)


def key_of(name: str) -> str:
    """The same for all names of a file, links to it included. Raises SourceError where it cannot be reached."""
    if "://" in name:
        system, path = filesystem(name)
        if not is_local(system):
            return address(system, path, name)
        name = path
    try:
        status = os.stat(name)  # noqa: PTH116
    except OSError as error:
        raise unreadable(name, error) from error
    # File systems of networks may number no files.
    return f"{status.st_dev}:{status.st_ino}" if status.st_ino else os.path.realpath(name)
