"""GluonTS's training loader as its torch estimators make it: an `InstanceSplitter`, then stacked batches.

The log is one multivariate entry of a `ListDataset`. `NumInstanceSampler` draws as many windows an epoch as there
are: independently, so that some come twice and others not at all. What estimators take by default draws a number
for every row of the log to find one window: with one long series, it would be far slower.
"""

from collections.abc import Iterator
from typing import Any

import torch
from gluonts.dataset.common import ListDataset
from gluonts.dataset.field_names import FieldName
from gluonts.dataset.loader import as_stacked_batches
from gluonts.transform import InstanceSplitter, NumInstanceSampler
from torch import Tensor

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "cannot", "loader", "values"]

DISTRIBUTION = "gluonts"
FUTURE = 1
"""Rows of the target, which cannot be left out."""


def cannot(case: Case) -> str | None:
    """Samplers know no stride."""
    return None if case.stride == 1 else "windows lie anywhere: it has no stride"


class GluontsBatches:
    """Batches of fields, an epoch an iteration."""

    def __init__(self, case: Case) -> None:
        self.case = case
        entry = {FieldName.START: "2000-01-01", FieldName.TARGET: case.rows().T}
        self.dataset = ListDataset([entry], freq="s", one_dim_target=False)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        case = self.case
        splitter = InstanceSplitter(
            target_field=FieldName.TARGET,
            is_pad_field=FieldName.IS_PAD,
            start_field=FieldName.START,
            forecast_start_field=FieldName.FORECAST_START,
            instance_sampler=NumInstanceSampler(N=len(case.starts), min_past=case.window, min_future=FUTURE),
            past_length=case.window,
            future_length=FUTURE,
        )
        yield from as_stacked_batches(
            splitter.apply(self.dataset, is_train=True),
            batch_size=case.batch,
            num_batches_per_epoch=len(case.starts) // case.batch,
            field_names=[f"past_{FieldName.TARGET}"],
            output_type=torch.tensor,
        )


def loader(case: Case) -> GluontsBatches:
    """Random batches."""
    return GluontsBatches(case)


def values(batch: dict[str, Any]) -> Tensor:
    """The input part of a batch, (B, K, N)."""
    past: Tensor = batch[f"past_{FieldName.TARGET}"]
    return past
