"""`longstride score`, `evaluate` and `plot`: what a trained model makes of a store."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import OVERWRITE, LocalPath, example, row_range
from longstride.storage.cli.signals import WHOLE, stoppable
from longstride.storage.location import is_url, local_path
from longstride.trainer.cli import echo_once, report_once, report_progress
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.settings import BUFFER, ScoreOptions

if TYPE_CHECKING:
    from longstride.storage.store import SeriesStore

__all__ = ["evaluate", "plot", "score"]


@click.command(
    epilog=example(
        "longstride score runs/plant plant.zarr --out scores.parquet",
        "longstride score runs/lstm runs/pca plant.zarr --out both.parquet",
    )
)
@click.argument("runs", metavar="RUN...", nargs=-1, type=LocalPath())
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
def score(runs: tuple[str, ...], store: str, out: str, **options: Any) -> None:
    """Score every row of STORE by the model of RUN, or of several together.

    A score says how unusual a row is: how badly the model reconstructs or forecasts it, or how likely it has a
    label. The file has a line for each row: its time and series, `score`, `alarm`, and `error.` of each channel.
    An error is squared, averaged over all windows that cover the row, and given as the number of standard
    deviations from the mean error of normal rows that are covered in the same way. Normal rows are those of the
    calibration of RUN, which `train` makes; no other store is opened. A score is 0 for the median of normal rows,
    and one in a hundred of them scores above 1. It is NaN in a row that no window covers, and in one without any
    value. `alarm` says whether it is above the threshold.

    After rows were appended to STORE, `--update` scores the new ones into the same file, which then equals one of
    all rows scored at once.

    Several runs score as one: the mean of how rare each of their scores is among normal rows.

    Started by torchrun, each process scores rows of its own.
    """
    if not runs:
        raise click.UsageError(
            f"{store} is the only argument: give a run or several first, and at the end the store"
        )
    with report_once(WHOLE), report_progress():
        from longstride.trainer.scoring.score import score as score_rows

        result = score_rows(runs, store, out, **given(options))
    echo_once(str(result))


@click.command(
    epilog=example(
        "longstride evaluate scores.parquet plant.zarr",
        "longstride evaluate lstm.parquet pca.parquet plant.zarr --json",
        "longstride evaluate one.parquet one.zarr other.parquet other.zarr --label leak",
    )
)
@click.argument("pairs", metavar="SCORES...", nargs=-1)
@click.argument("store")
@click.option("--threshold", type=float, help="Threshold to use instead of the one that `score` has set.")
@click.option(
    "--buffer",
    type=int,
    default=BUFFER,
    show_default=True,
    help="Rows around a labelled span, half on each side, in which a score still counts in part, for VUS-PR.",
)
@click.option("--label", metavar="NAME", help="The only label to judge by, or any.  [default: each, and any]")
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option("--since", metavar="TIME", help="Rows of this time and later ones, such as 2024-03-01T08:30:00Z.")
@click.option("--until", metavar="TIME", help="Rows before this time.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=LocalPath(),
    help="Write a page as well: the figures, what they mean, and each labelled span with its first alarm.",
)
@OVERWRITE
def evaluate(
    pairs: tuple[str, ...], store: str, as_json: bool, page: str | None, overwrite: bool, **options: Any
) -> None:
    """Judge SCORES of STORE, one file or several, by its labels.

    Print, for each label and series: VUS-PR (the volume under the surface of precision and recall, for labels that
    may be a little off in time), AUC-PR and AUC-ROC (the areas under the curves of precision and recall, and of
    true and false alarms), F1 at the threshold that was set without labels, and the best F1 of any threshold,
    which cannot be found without labels. Each row is judged by itself, without point adjustment. Chance is the
    AUC-PR of random scores.

    Then, for the alarms: FAR, the share of normal rows with an alarm, and MAR, the share of labelled rows without
    one; how many labelled spans were found; how many events (alarms fewer than a window apart) there are, and how
    many of them are right; precision and recall of events, and of ranges; false events in an hour of normal rows;
    and the delay from the start of a span to its first alarm: the median, and in brackets the quartiles.

    Several stores are judged one by one and together: each STORE comes after its own SCORES.
    """
    if not pairs:
        raise click.UsageError(
            f"{store} is the only argument: give files of scores first, and at the end the store that they are of"
        )
    from longstride.storage.writing.output import check_output, output_file
    from longstride.trainer.scoring.judging.evaluation import evaluate as judge

    if page is not None:
        check_output(page, overwrite=overwrite)
    paths, stores = _paired((*pairs, store))
    found = [judge(list(path), list(stores), **options) for path in zip(*paths, strict=True)]
    if page is not None:
        from longstride.trainer.scoring.judging.page import page_of

        with output_file(page, overwrite=overwrite) as file:
            file.write(page_of(found).encode(errors="backslashreplace"))
    if as_json:
        lines = [
            {"scores": one.scores, "run": one.run, "model": one.model, "buffer": one.buffer, **asdict(figures)}
            for one in found
            for figures in one.figures
        ]
        click.echo(json.dumps(_without_nan(lines), indent=1))
        return
    click.echo("\n".join(map(repr, found)))
    if not any(one.model == "pca" for one in found):
        click.echo("no PCA to compare with: train one with --model pca, score STORE by it, and give both files")


def _without_nan(value: Any) -> Any:
    """NaN is not JSON."""
    match value:
        case dict():
            return {name: _without_nan(one) for name, one in value.items()}
        case list() | tuple():
            return [_without_nan(one) for one in value]
        case float() if value != value:
            return None
        case _:
            return value


def _paired(arguments: tuple[str, ...]) -> "tuple[list[list[Path]], list[SeriesStore]]":
    """Files of scores before each store, and the stores; the last argument is one."""
    last = _opened(arguments[-1])
    paths: list[list[Path]] = [[]]
    stores = []
    for number, text in enumerate(arguments):
        is_last = number == len(arguments) - 1
        if is_last or is_url(text) or local_path(text).is_dir():
            if not paths[-1] and not is_last:
                raise ScoresError(
                    f"{text} is a store: give files of scores first, and at the end the store of them",
                    code="store-missing",
                )
            stores.append(last if is_last else _opened(text))
            paths.append([])
        else:
            paths[-1].append(local_path(text))
    paths.pop()
    counts = [len(one) for one in paths]
    if len(set(counts)) > 1:
        raise ScoresError(
            f"there are {', '.join(map(str, counts))} files of scores before the stores: give as many for each, "
            "in the same order",
            code="option-value",
        )
    return paths, stores


@click.command(
    epilog=example(
        "longstride plot scores.parquet plant.zarr --out alarms.html",
        "longstride plot scores.parquet plant.zarr --rows 2000:3000 --out plot.png",
    )
)
@click.argument("scores", type=LocalPath(path_type=Path))
@click.argument("store")
@click.option(
    "--out",
    type=LocalPath(path_type=Path),
    metavar="FILE",
    required=True,
    help="Picture (PNG, SVG or PDF) or page (HTML) to write, by its ending.",
)
@OVERWRITE
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option(
    "--channels",
    help="Channels to draw, separated by commas.  [default: the first eight; on a page, those of each event]",
)
def plot(
    scores: Path, store: str, out: Path, rows: tuple[int, int] | None, channels: str | None, overwrite: bool
) -> None:
    """Draw the channels of STORE, the score with its threshold, and the labelled spans.

    As a page, it lists the events and draws each with the channels that carry it, and lists labelled spans without
    an alarm; it needs no other file. Of many events, those with the highest peaks are listed and drawn.
    """
    from longstride.storage.writing.output import check_output
    from longstride.trainer.scoring.shown.score_plot import draw_scores

    check_output(out, overwrite=True)  # whether it may be replaced is seen when it is known what is to be drawn
    opened = _opened(store)
    chosen = tuple(name.strip() for name in channels.split(",")) if channels else ()
    with stoppable(WHOLE):
        drawn = draw_scores(
            out, opened, scores, rows=rows, channels=chosen, title=opened.name, overwrite=overwrite
        )
    click.echo(out if drawn else f"{out}: this very picture was there already: nothing was done")


def _opened(store: str) -> "SeriesStore":
    """The store, which is the last argument: a file there is one of scores."""
    from longstride.storage.open import open_store

    if not is_url(store) and local_path(store).is_file():
        raise ScoresError(
            f"{store} is a file, not a store: give files of scores first, and at the end the store of them",
            code="store-missing",
        )
    return open_store(store)
