"""The report of a run with a model for each series: one page for all."""

from collections.abc import Mapping
from pathlib import Path

from longstride.storage.atomic import write_file
from longstride.storage.html.page import page_from
from longstride.storage.packages import PackageError, needs
from longstride.trainer.train_result import TrainResult

__all__ = ["write_series_report"]


def write_series_report(path: Path, store: str, total: TrainResult, diverged: Mapping[str, Exception]) -> bool:
    """Write the page; return whether the package is installed that it needs."""
    try:
        needs("jinja2")
    except PackageError:
        return False
    page = page_from(
        Path(__file__).with_name("series_report.html.jinja"),
        name=path.parent.resolve().name,
        store=store,
        total=total,
        diverged={name: str(error) for name, error in diverged.items()},
    )
    write_file(path, [page.encode()])
    return True
