"""Types as a message names them."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import pytest
import torch

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.options import Augmentation, LoaderOptions
from longstride.storage.cli.type_words import in_words
from longstride.trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "a whole number"),
        (bool, "True or False"),
        (None, "None"),
        (float | None, "a number or None"),
        (int | float, "a number"),
        (str | Sequence[str] | None, "a text, a list of texts or None"),
        (str | os.PathLike[str] | None, "a text, a path or None"),
        (Literal["a", "b"], "'a' or 'b'"),
        (tuple[int, str], "a list of a whole number and a text"),
        (Sequence[Sequence[int]], "a list of lists of whole numbers"),
        (Mapping[str, float], "a mapping of texts to numbers"),
        (torch.device | str | None, "a device, a text or None"),
        (Callable[[torch.Tensor], torch.Tensor] | None, "a function of a Tensor that gives a Tensor or None"),
        (Callable[[], int], "a function that gives a whole number"),
        (Callable[..., int], "a function that gives a whole number"),
        (
            Augmentation | Sequence[Augmentation],
            "a function of a WindowBatch and a Generator that gives a WindowBatch or "
            "a list of functions of a WindowBatch and a Generator that give a WindowBatch",
        ),
        (WindowBatch, "a WindowBatch"),
    ],
)
def test_words(hint: Any, words: str) -> None:
    assert in_words(hint) == words


def test_no_option_is_described_by_the_syntax_of_a_type() -> None:
    for options in (LoaderOptions, DataSettings, ModelSettings, OptimiserSettings, RunSettings):
        for field in fields(options):
            if not isinstance(field.type, str):
                assert not set("[]|<>") & set(in_words(field.type)), field.name
