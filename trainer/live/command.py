"""`longstride watch`: score rows as they come."""

import signal
import sys
from io import BytesIO
from typing import Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import LocalPath, example
from longstride.storage.cli.signals import stoppable
from longstride.trainer.cli import report_once, report_progress
from longstride.trainer.live.watch_settings import WatchOptions

__all__ = ["watch"]


@click.command(
    epilog=example(
        "tail -n +1 -f plant.csv | longstride watch runs/plant",
        "mosquitto_sub -t plant | longstride watch runs/plant --state plant.state > scores.ndjson",
    )
)
@click.argument("run", type=LocalPath())
@flags(WatchOptions, run=None, state={"metavar": "FILE", "type": LocalPath()})
def watch(run: str, **options: Any) -> None:
    """Score rows as they come on standard input, by the model of RUN.

    Lines are NDJSON, or CSV with a header. For each row a line of NDJSON is written at once: the number of its
    line, its time and series, `score`, `alarm`, and, of an alarm, the channels that carry it with their shares.
    The score is that which `longstride score` gives to the last row of a segment. A row that ends no full window
    of K rows has the score null, and `waiting` says how many rows come before the next score.

    Bad lines, and rows that are not in order of time, are reported on standard error and left out. The command
    ends with its input.
    """
    with report_once(), report_progress():
        from longstride.trainer.live.line_input import LineInput
        from longstride.trainer.live.watch import watch_lines

        def write(lines: bytes) -> None:
            rest = memoryview(lines)
            while rest:  # with PYTHONUNBUFFERED, a signal can cut a write short
                rest = rest[sys.stdout.buffer.write(rest) or 0 :]
            sys.stdout.buffer.flush()

        stream: Any = sys.stdin.buffer if sys.stdin else BytesIO()  # it may be closed
        with LineInput(stream) as lines:
            found = watch_lines(
                WatchOptions(run=run, **given(options)), lines, write, lambda text: click.echo(text, err=True)
            )
        click.echo(str(found), err=True)
        if lines.signal:
            with stoppable(": all rows that were read are scored"):
                signal.raise_signal(lines.signal)
