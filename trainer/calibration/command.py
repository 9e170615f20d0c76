"""`longstride calibrate`: measure the errors of normal rows again."""

from typing import Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import LocalPath, example
from longstride.storage.cli.signals import WHOLE
from longstride.trainer.calibration.settings import CalibrateOptions
from longstride.trainer.cli import echo_once, report_once, report_progress

__all__ = ["calibrate"]


@click.command(
    epilog=example(
        "longstride calibrate runs/plant plant.zarr", "longstride calibrate runs/plant may.zarr --split all"
    )
)
@click.argument("run", type=LocalPath())
@click.argument("store", metavar="STORE...", nargs=-1, required=True)
@flags(CalibrateOptions, run=None, store=None)
def calibrate(run: str, store: tuple[str, ...], **options: Any) -> None:
    """Measure which errors the model of RUN makes on normal rows of STORE, or of several, and keep them in
    RUN.

    `train` does this at its end, with the rows that it held out. Do it again for other normal rows, for a run of
    an older version, and for a run that was stopped. `score` compares rows with what is kept, and opens no other
    store.
    """
    with report_once(WHOLE), report_progress():
        from longstride.trainer.calibration.calibrate import calibrate as make

        result = make(run, store if len(store) > 1 else store[0], **given(options))
    echo_once(str(result))
