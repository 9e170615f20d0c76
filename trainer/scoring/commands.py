"""`longstride score`, `evaluate` and `plot`: what a trained model makes of a store."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import OVERWRITE, LocalPath, example, row_range
from longstride.storage.cli.signals import WHOLE, stoppable
from longstride.trainer.cli import echo_once, report_once, report_progress
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.settings import BUFFER, ScoreOptions

if TYPE_CHECKING:
    from longstride.storage.store import SeriesStore

__all__ = ["evaluate", "plot", "score"]


@click.command(epilog=example("longstride score runs/plant plant.zarr --out scores.parquet"))
@click.argument("run", type=LocalPath())
@click.argument("store")
@flags(
    ScoreOptions,
    run=None,
    store=None,
    out={"metavar": "FILE", "type": LocalPath(), "required": True},
    rows={"metavar": "A:B", "type": str, "multiple": False, "callback": row_range},
    since={"metavar": "TIME", "type": str},
    events={"metavar": "FILE", "type": LocalPath()},
)
def score(run: str, store: str, out: str, **options: Any) -> None:
    """Score every row of STORE by the model of RUN: how badly the model reconstructs it.

    The file has a line for each row: its time and series, `score`, `alarm`, and `error.` of each channel. An error
    is squared, averaged over all windows that cover the row, and given as the number of standard deviations from
    the mean error of normal rows that are covered in the same way. Normal rows are those of the calibration of
    RUN, which `train` makes. A score is 0 for the median of normal rows, and one in a hundred of them scores above
    1. It is NaN in a row that no window covers. `alarm` says whether it is above the threshold.

    Started by torchrun, each process scores rows of its own.
    """
    with report_once(WHOLE), report_progress():
        from longstride.trainer.scoring.score import score as score_rows

        result = score_rows(run, store, out, **given(options))
    echo_once(str(result))


@click.command(
    epilog=example(
        "longstride evaluate scores.parquet plant.zarr",
        "longstride evaluate lstm.parquet pca.parquet plant.zarr --json",
    )
)
@click.argument("scores", metavar="SCORES...", nargs=-1, type=LocalPath(path_type=Path))
@click.argument("store")
@click.option("--threshold", type=float, help="Threshold to use instead of the one that `score` has set.")
@click.option(
    "--buffer",
    type=int,
    default=BUFFER,
    show_default=True,
    help="Rows around a labelled span, half on each side, in which a score still counts in part, for VUS-PR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(scores: tuple[Path, ...], store: str, threshold: float | None, buffer: int, as_json: bool) -> None:
    """Judge SCORES of STORE, one file or several, by its labels.

    Print, for each label and series: VUS-PR (the volume under the surface of precision and recall, for labels that
    may be a little off in time), AUC-PR and AUC-ROC (the areas under the curves of precision and recall, and of
    true and false alarms), F1 at the threshold that was set without labels, and the best F1 of any threshold,
    which cannot be found without labels. Each row is judged by itself, without point adjustment. Chance is the
    AUC-PR of random scores.
    """
    if not scores:
        raise click.UsageError(
            f"{store} is the only argument: give files of scores first, and at the end the store that they are of"
        )
    from longstride.trainer.scoring.judging.evaluation import evaluate as judge

    opened = _opened(store)
    found = [judge(path, opened, threshold=threshold, buffer=buffer) for path in scores]
    if as_json:
        lines = [
            {"scores": one.scores, "run": one.run, "model": one.model, "buffer": one.buffer, **asdict(figures)}
            for one in found
            for figures in one.figures
        ]
        click.echo(json.dumps(lines, indent=1))
        return
    click.echo("\n".join(map(repr, found)))
    if not any(one.model == "pca" for one in found):
        click.echo("no PCA to compare with: train one with --model pca, score STORE by it, and give both files")


@click.command(epilog=example("longstride plot scores.parquet plant.zarr --rows 2000:3000 --out plot.png"))
@click.argument("scores", type=LocalPath(path_type=Path))
@click.argument("store")
@click.option(
    "--out",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    required=True,
    help="Picture to write: PNG, SVG or PDF.",
)
@OVERWRITE
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option("--channels", help="Channels to draw, separated by commas.  [default: the first eight]")
def plot(
    scores: Path, store: str, out: Path, rows: tuple[int, int] | None, channels: str | None, overwrite: bool
) -> None:
    """Draw the channels of STORE, the score with its threshold, and the labelled spans."""
    from longstride.storage.writing.output import check_output
    from longstride.trainer.scoring.score_reader import read_scores
    from longstride.trainer.scoring.shown.score_plot import draw_scores

    check_output(out, overwrite=True)  # whether it may be replaced is seen when it is known what is to be drawn
    opened = _opened(store)
    found = read_scores(scores, opened)
    chosen = tuple(name.strip() for name in channels.split(",")) if channels else ()
    with stoppable(WHOLE):
        drawn = draw_scores(out, opened, found, rows=rows, channels=chosen, title=opened.name, overwrite=overwrite)
    click.echo(out if drawn else f"{out}: this very picture was there already: nothing was done")


def _opened(store: str) -> "SeriesStore":
    """The store, which is the last argument: a file there is one of scores."""
    from longstride.storage.open import open_store

    if Path(store).is_file():
        raise ScoresError(
            f"{store} is a file, not a store: give files of scores first, and at the end the store of them",
            code="store-missing",
        )
    return open_store(store)
