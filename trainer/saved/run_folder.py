"""Whether a folder can hold a run: what is refused before a run begins or resumes there."""

from collections.abc import Sequence
from pathlib import Path

from longstride.storage.format import ROOT
from longstride.storage.writing.output import refuse_inside_store
from longstride.trainer.errors import RunError

__all__ = ["check_run_folder"]


def check_run_folder(path: Path, files: Sequence[Path], folders: Sequence[Path]) -> None:
    """Raise RunError where there is a file or a store, or something else where the run has files and folders.

    Links, pipes and devices are refused too: whoever made the run may have put them there.
    """
    if (path / ROOT).exists():
        raise RunError(f"{path} is a store: give a folder for the run", code="path-taken")
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file: give a folder for the run", code="path-taken")
    refuse_inside_store(path)
    for paths, is_own, kind in ((files, Path.is_file, "file"), (folders, Path.is_dir, "folder")):
        for own in paths:
            if own.is_symlink() or (own.exists() and not is_own(own)):
                raise RunError(
                    f"{own} is a link, or not a {kind}: put the {kind} itself there, or give another --out",
                    code="path-taken",
                )
