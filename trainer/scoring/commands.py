"""`trainer score`, `evaluate` and `plot`: what a trained model makes of a store."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from longstride.storage.cli import example, row_range
from longstride.trainer.cli import setting, told_once
from longstride.trainer.settings import RunSettings

if TYPE_CHECKING:
    from longstride.trainer.scoring.evaluation import Figures

__all__ = ["evaluate", "plot", "score"]


@click.command(epilog=example("longstride score runs/plant plant.zarr --out scores.parquet"))
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("store")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Parquet file to write."
)
@click.option("--normal", help="The store of RUN, if it lies elsewhere now.")
@click.option("--stride", type=click.IntRange(min=1), help="Rows between windows; as in training by default.")
@click.option("--batch-size", type=click.IntRange(min=1), default=1024, show_default=True, help="Of each process.")
@click.option(
    "--alarms",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.001,
    show_default=True,
    help="Share of normal rows that the threshold, which is kept with the scores, lets pass as faults.",
)
@setting(RunSettings, "device", "Where to compute.", type=click.Choice(["auto", "cpu", "cuda"]))
def score(
    run: Path,
    store: str,
    out: Path,
    normal: str | None,
    stride: int | None,
    batch_size: int,
    alarms: float,
    device: str,
) -> None:
    """Score every row of STORE by the model of RUN: how badly it is written again.

    The file has a line for each row: its time and series, `score`, and `error.` of each channel. An error is
    squared, averaged over all windows that cover the row, and told in the standard deviations of the errors of
    normal rows, from their mean: those of RUN's own store that were held out for validation, by windows without a
    label. `score` is the mean over the channels. It is NaN where no window reaches.

    Started by torchrun, each process scores rows of its own.
    """
    with told_once():
        from longstride.storage.open import open_store
        from longstride.trainer.engine.distributed import start_ranks
        from longstride.trainer.scoring.score import score as score_rows

        with start_ranks(device) as ranks:
            usual = None if normal is None else open_store(normal)
            options: dict[str, Any] = {
                "normal": usual,
                "stride": stride,
                "batch_size": batch_size,
                "alarms": alarms,
            }
            scored = score_rows(run, open_store(store), out, ranks, **options)
    if ranks.is_first:
        click.echo(
            f"{out}: {scored.rows:,} rows scored by {scored.checkpoint}, {scored.rows - scored.covered:,} of them "
            f"out of reach; beside {scored.normal_rows:,} normal rows; threshold {scored.threshold:.4g}"
        )


@click.command(
    epilog=example(
        "longstride evaluate scores.parquet plant.zarr",
        "longstride evaluate lstm.parquet pca.parquet plant.zarr --json",
    )
)
@click.argument("scores", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.argument("store")
@click.option("--threshold", type=float, help="Instead of the one that `score` has set without labels.")
@click.option(
    "--buffer",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Rows around a labelled span, half on each side, in which a score still counts in part, for VUS-PR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(scores: tuple[Path, ...], store: str, threshold: float | None, buffer: int, as_json: bool) -> None:
    """Judge SCORES of STORE, one file or several, by its labels.

    By label and series: VUS-PR (the volume under the surface of precision and recall for labels that may be a
    little off in time), the areas under the curves of precision and recall and of true and false alarms, F1 at
    the threshold that was set without labels, and the best F1 that any threshold has, which nobody can know.
    A row is right or wrong by itself: no point adjustment. Chance is the AUC-PR of random scores.
    """
    from longstride.storage.open import open_store
    from longstride.trainer.scoring.evaluation import evaluate as judge
    from longstride.trainer.scoring.score_file import read_scores

    opened = open_store(store)
    found: dict[Path, tuple[dict[str, Any], list[Figures]]] = {}
    for path in scores:
        read = read_scores(path, opened)
        found[path] = (read.about, judge(read, opened, threshold=threshold, buffer=buffer))
    if as_json:
        lines = [
            {
                "scores": str(path),
                "run": about["run"],
                "model": about["model"],
                "buffer": buffer,
                **asdict(figures),
            }
            for path, (about, judged) in found.items()
            for figures in judged
        ]
        click.echo(json.dumps(lines, indent=1))
        return
    click.echo(_render(found))
    if not any(about["model"] == "pca" for about, _ in found.values()):
        click.echo("no PCA beside it: train one with --model pca, score STORE by it, and give both files")


@click.command(epilog=example("longstride plot scores.parquet plant.zarr --rows 2000:3000 --out plot.png"))
@click.argument("scores", type=click.Path(path_type=Path))
@click.argument("store")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="Picture to write: PNG, SVG or PDF.",
)
@click.option("--rows", metavar="A:B", callback=row_range, help="Rows A to B - 1.  [default: all]")
@click.option("--channels", help="Those to draw, with commas between.  [default: the first eight]")
def plot(scores: Path, store: str, out: Path, rows: tuple[int, int] | None, channels: str | None) -> None:
    """Draw the channels of STORE, the score with its threshold, and the labelled spans."""
    from longstride.storage.open import open_store
    from longstride.trainer.reporting.score_plot import draw_scores
    from longstride.trainer.scoring.score_file import read_scores

    opened = open_store(store)
    chosen = tuple(name.strip() for name in channels.split(",")) if channels else ()
    draw_scores(out, opened, read_scores(scores, opened), rows=rows, channels=chosen, title=opened.name)
    click.echo(out)


def _render(found: dict[Path, tuple[dict[str, Any], list["Figures"]]]) -> str:
    columns: dict[str, Callable[[Figures], float]] = {
        "chance": lambda one: one.labelled / one.rows,
        "VUS-PR": lambda one: one.vus_pr,
        "AUC-PR": lambda one: one.auc_pr,
        "AUC-ROC": lambda one: one.auc_roc,
        "F1": lambda one: one.f1,
        "precision": lambda one: one.precision,
        "recall": lambda one: one.recall,
        "best F1": lambda one: one.best_f1,
    }
    head = f"  {'label':<12} {'series':<12} {'rows':>11} {'labelled':>9} {'spans':>6} "
    lines = []
    for path, (about, judged) in found.items():
        lines.append(f"{path}: {about['model']} of {about['run']}, threshold {judged[0].threshold:.4g}")
        lines.append(head + " ".join(f"{name:>9}" for name in columns))
        for one in judged:
            lines.append(
                f"  {one.label:<12} {one.series:<12} {one.rows:>11,} {one.labelled:>9,} {one.spans:>6,} "
                + " ".join(f"{figure(one):>9.4f}" for figure in columns.values())
                + (f"  ({one.unscored:,} labelled rows have no score)" if one.unscored else "")
            )
    return "\n".join(lines)
