"""`longstride deploy`: a trained model as a file that runs without Longstride."""

from typing import Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import LocalPath, example
from longstride.storage.cli.signals import WHOLE
from longstride.trainer.cli import echo_once, report_once, report_progress
from longstride.trainer.deploy.settings import DeployOptions

__all__ = ["deploy"]


@click.command(epilog=example("longstride deploy runs/plant --to onnx --out plant-model"))
@click.argument("run", type=LocalPath())
@flags(DeployOptions, run=None, out={"metavar": "FOLDER", "type": LocalPath(), "required": True})
def deploy(run: str, out: str, **options: Any) -> None:
    """Write the model of RUN as a file that other programs run, without Longstride: raw windows in, scores out.

    Normaliser, model and scorer are in it. It takes windows of any number, in the units of the channels, NaN where
    a value is missing. It gives the score of the newest row of each, whether that is an alarm, and the scores and
    errors of all rows, as `longstride score` gives them to rows that this window alone covers. The folder also
    holds a model card and an example. Before it appears, the runtime itself is compared with our own scores.
    """
    with report_once(WHOLE), report_progress():
        from longstride.trainer.deploy.deploy import deploy as write

        result = write(run, out, **given(options))
    echo_once(str(result))
