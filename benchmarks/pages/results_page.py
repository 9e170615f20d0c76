"""docs/results.md: what models have found in logs with labels, from the committed results."""

from collections.abc import Iterable

from benchmarks.harness.results import Result
from benchmarks.suites.models.detect import Detections

__all__ = ["results_page"]

INTRODUCTION = """\
# Results

What the built-in models find in logs with labelled events, compared with the PCA that each of them has to beat.
Every figure on this page comes from a file in `benchmarks/results/` by `python -m benchmarks report`; a cell is
the median over the seeds, with the smallest and the largest. What they mean: [scores](scoring.md).
They were measured before [normal rows were kept in the run](decisions/0021-calibration.md), and not yet again.
"""


def results_page(results: Iterable[Result]) -> str:
    """Page of all results of detection, by log."""
    return "\n".join([INTRODUCTION, *(found.section() for found in results if isinstance(found, Detections))])
