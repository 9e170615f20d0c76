"""The staged folder of a job: what lies in it, under which names, and what an interrupted job has left there.

SOURCE-SECTION-PIECE.part has the rows of a piece, SOURCE-SECTION-PIECE.rejects.parquet its rejects. The report of
the commit lies there from right before the commit until the job has ended.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import google_crc32c

from longstride.pipeline.ingest.report import IngestReport
from longstride.storage.atomic import make_directory, naming, write_file
from longstride.storage.format import LOCK_FILE
from longstride.storage.writing.lock import StoreLock

__all__ = ["ROWS", "StagedFolder", "part_name", "rejects_name", "was_finished", "written_whole"]

REPORT_FILE = "report.json"
ROWS = "rows"
"""Folder, next to that of the job, of the rows that a program gave: each job writes and removes its own."""


def part_name(source: int, section: int, piece: int) -> str:
    """File name of a part."""
    return f"{source}-{section}-{piece}.part"


def rejects_name(source: int, section: int, piece: int) -> str:
    """File name of the rejects of the same piece."""
    return f"{source}-{section}-{piece}.rejects.parquet"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name to write to, which no other process or machine takes; what was written appears as `path`."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with naming(path):
        yield temporary
    temporary.replace(path)


def was_finished(lock: StoreLock) -> bool:
    """Whether a store exists whose writer was killed between the commit and its end.

    The parts go before the report, so parts without a report are those of an append that was not finished.
    """
    if not lock.is_committed or not (lock.path / LOCK_FILE).exists():
        return False
    left = {path.name for path in lock.staged.glob("*/*")}
    return REPORT_FILE in left or not left


class StagedFolder:
    """The folder of one job, which the same job finds again after it was killed."""

    def __init__(self, lock: StoreLock, fingerprint: str) -> None:
        # A worker that is still running after its job was killed must not write among the parts of another job.
        job = hashlib.sha256(fingerprint.encode()).hexdigest()
        self.path = lock.staged.absolute() / job[:16]

    def prepare(self) -> dict[str, int]:
        """Make the folder, remove those of other jobs, and give the parts that this job has left: see `stamps`."""
        make_directory(self.path)
        for other in self.path.parent.iterdir():
            if other.name not in (self.path.name, ROWS):
                shutil.rmtree(other, ignore_errors=True)
        return self.stamps()

    def stamps(self) -> dict[str, int]:
        """Name of each part in the folder, and when it was written."""
        with os.scandir(self.path) as entries:
            return {
                entry.name: entry.stat().st_mtime_ns
                for entry in entries
                if entry.name.endswith(".part") and not entry.name.startswith(".")
            }

    def leave_report(self, report: IngestReport) -> None:
        """Keep the report of the commit that is about to be made, for a job that is killed right after it."""
        text = json.dumps(report.as_plain())
        sealed = {"report": text, "crc32c": google_crc32c.value(text.encode())}
        write_file(self.path / REPORT_FILE, [json.dumps(sealed).encode()])

    def left_report(self) -> IngestReport | None:
        """The report of a commit that this very job has made, or was about to make, before it was killed.

        None where there is none, or it is damaged.
        """
        try:
            sealed = json.loads((self.path / REPORT_FILE).read_bytes())
            text = str(sealed["report"])
            whole = google_crc32c.value(text.encode()) == sealed["crc32c"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return IngestReport.from_plain(json.loads(text)) if whole else None

    def remove_parts(self) -> None:
        """Leave only the report, when the store exists."""
        for entry in self.path.iterdir():
            if entry.name != REPORT_FILE:
                entry.unlink(missing_ok=True)
