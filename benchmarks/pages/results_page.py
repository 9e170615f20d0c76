"""docs/results.md: what models have found in logs with labels, from the committed results."""

import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table
from benchmarks.suites.models.detect import RATIO, Detections
from benchmarks.suites.models.labelled_logs import ELSEWHERE, LOGS

__all__ = ["results_page"]

INTRODUCTION = """\
# Results

What the built-in models find in logs with labelled events, compared with the PCA that each of them has to beat.
Every figure on this page comes from a file in `benchmarks/results/` by `python -m benchmarks report`. Of several
seeds, a cell is the median, with the smallest and the largest. What they mean: [scores](scoring.md). No log is
part of this project: each section names where it comes from, its licence, and the commands that lead from its
files to the figures. A model is added to a file of results by `detect` with its name and the same `--json`.
"""
SUMMARY = """\
## All logs

VUS-PR of each model, and in brackets F1 at the own threshold in parts of the best F1 of any threshold, medians
over the seeds. The own threshold is set without labels, so that one normal row in 1,000 is to be above it; the
best one cannot be found without labels. The ratio says little where a large part of the normal rows is in alarm:
read it together with the columns of alarms below.
"""
TARGET = 0.8
"""Of the best F1, at the own threshold, in the median."""


def results_page(results: Iterable[Result]) -> str:
    """Page of all results of detection: all logs in one table, then a section each."""
    found = [result for result in results if isinstance(result, Detections)]
    order = [*LOGS]
    found.sort(key=lambda one: (order.index(one.log), one.machine.processor))
    summary = [*_summary(found)] if len(found) > 1 else []
    return "\n".join([INTRODUCTION, *summary, *(one.section() for one in found), ELSEWHERE])


def _summary(found: Sequence[Detections]) -> Iterator[str]:
    models = [*dict.fromkeys(model.model for one in found for model in one.models)]
    rows = []
    for one in found:
        cells = {
            model.model: f"{model.figures['vus_pr'].median:.3f} ({model.figures[RATIO].median:.2f})"
            for model in one.models
        }
        rows.append([one.log, *(cells.get(name, "") for name in models)])
    ratios = [model.figures[RATIO].median for one in found for model in one.models]
    median = statistics.median(ratios)
    reached = sum(ratio >= TARGET for ratio in ratios)
    yield SUMMARY
    yield Table(["log", *models], rows).markdown()
    yield (
        f"\nF1 at the own threshold is {median:.2f} of the best F1 in the median of these {len(ratios)} cells "
        f"(at least {TARGET}: {reached} of them), from {min(ratios):.2f} to {max(ratios):.2f}.\n"
    )
