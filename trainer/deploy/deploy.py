"""`longstride.deploy`: write a trained model with its scorer as a file that runs without Longstride."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.writing.output_folder import check_output_folder, output_folder
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.deploy.card import CARD, as_json, card_of, deployed_already
from longstride.trainer.deploy.card_page import page_of
from longstride.trainer.deploy.check import Cases, compared, make_cases
from longstride.trainer.deploy.deployment import Deployment, prepared
from longstride.trainer.deploy.formats import EXAMPLE, FORMATS, quiet
from longstride.trainer.deploy.graph import OUTPUTS, Graph
from longstride.trainer.deploy.settings import DeployOptions
from longstride.trainer.engine.distributed import start_ranks
from longstride.trainer.errors import RunError, SettingsError

__all__ = ["DeployResult", "deploy"]

CARD_PAGE = "card.md"
WINDOWS = 4
"""In the example."""
MAX_SHOWN = 300


@dataclass(frozen=True, kw_only=True)
class DeployResult:
    """What was written."""

    out: str
    """Path of the folder."""
    file: str
    """Name of the model's file in it; `card.md` and `card.json` describe it."""
    threshold: float
    """The share `alarms` of the normal rows scores above it."""
    checkpoint: str
    largest_difference: float
    """Between figures of its runtime and of `longstride score`, as a share of the figure, or of 1 if it is
    smaller."""

    was_there: bool = False
    """Whether this very folder had been written before: nothing was done now."""

    def __str__(self) -> str:
        there = "; it was there already: nothing was done" if self.was_there else ""
        return (
            f"{self.out}: {self.file} of {self.checkpoint}, threshold {self.threshold:.4g}, compared with our own "
            f"scores (largest difference {self.largest_difference:.1e}); {CARD_PAGE} says how to run it{there}"
        )

    def _repr_html_(self) -> str:
        rows = {
            "file": self.file,
            "checkpoint": self.checkpoint,
            "threshold": self.threshold,
            "largest difference": self.largest_difference,
        }
        return html_table(self.out, [], rows.items())


@coded
@keywords_of(DeployOptions, SettingsError)
def deploy(options: DeployOptions) -> DeployResult:
    """Write the model of a run as a file that other programs run, without Longstride: raw windows in, scores out.

    Normaliser, model and scorer are in it. It takes windows (B, K, N) in the channels' own units, NaN where a
    value is missing; a batch may have any size. It gives the score of the newest row (B,), whether that is an
    alarm (B,), scores of all rows (B, K), and errors of all values (B, K, N): what `longstride.score` gives to
    rows that this window alone covers, as one covers the newest row of a log. The folder also holds a model card,
    as Markdown and as JSON, and an example. Before it appears, the runtime itself is compared with our own scores.
    What `out` holds already, of the same model and options, is not made again.

    Raises SettingsError for an option that cannot work or a model that is not trusted, RunError where a file of
    the run is damaged, it has no calibration of this model, or the model cannot be exported or then gives other
    scores, PackageError where a package for the format is not installed, LongstrideError where `out` cannot be
    written.
    """
    kind = FORMATS[options.to]
    with start_ranks("cpu") as ranks:
        ranks.on_first(lambda: check_output_folder(options.out, CARD, overwrite=True))
        ranks.on_first(kind.check)
        run = local_path(options.run)
        trained = TrainedModel(run, ranks, trust=options.trust)
        return ranks.on_first(lambda: _deploy(prepared(run, trained, options)))


def _deploy(made: Deployment) -> DeployResult:
    kind, model = made.kind, made.trained.settings.model.model
    out = local_path(made.options.out)
    if not made.options.overwrite and (found := deployed_already(out, made)) is not None:
        return _result(made, found, was_there=True)
    check_output_folder(out, CARD, overwrite=made.options.overwrite)
    cases = make_cases(made)
    with output_folder(out, CARD, overwrite=made.options.overwrite) as folder:
        file = folder / kind.file
        with quiet():
            program = _exported(model, made.graph, cases)
            with _told(model, made.options.to):
                data = kind.encode(program, made.graph.inputs, OUTPUTS)
            file.write_bytes(data)
            difference = compared(kind.read(file), cases, made.scorer.threshold, f"{model} as {kind.file}")
        with open(folder / EXAMPLE, "wb") as example:
            parts = {name: values[:WINDOWS] for name, values in {**cases.inputs, **cases.expected}.items()}
            np.savez(example, allow_pickle=False, **parts)
        card = card_of(made, file, difference)
        (folder / CARD_PAGE).write_text(page_of(card, kind), encoding="utf-8")
        (folder / CARD).write_bytes(as_json(card))
    return _result(made, difference)


def _result(made: Deployment, difference: float, *, was_there: bool = False) -> DeployResult:
    return DeployResult(
        out=str(local_path(made.options.out)),
        file=made.kind.file,
        threshold=made.scorer.threshold,
        checkpoint=made.trained.name,
        largest_difference=difference,
        was_there=was_there,
    )


def _exported(model: str, graph: Graph, cases: Cases) -> ExportedProgram:
    batch = Dim("batch")
    inputs = tuple(torch.from_numpy(values[:3]) for values in cases.inputs.values())
    with _told(model, "torch"), torch.no_grad():
        program = torch.export.export(
            graph, inputs, dynamic_shapes={name: {0: batch} for name in graph.inputs}, strict=False
        )
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # lines of code, with paths of this machine
    return program


@contextmanager
def _told(model: str, to: str) -> Iterator[None]:
    """Raise RunError where an exporter meets what it does not know, by whatever error it says so."""
    try:
        yield
    except (LongstrideError, MemoryError, OSError):
        raise
    except Exception as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())[:MAX_SHOWN]
        raise RunError(
            f"the model {model} cannot be written for {to} ({found}): its forward must be "
            "made of operations of torch, take any number of windows, and have no `if` or `while` that asks for "
            "their values",
            code="deploy-failed",
        ) from error
