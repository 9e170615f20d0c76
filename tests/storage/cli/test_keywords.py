"""Functions whose parameters are the fields of a dataclass: what they show, and what they refuse."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from longstride.storage.cli.keywords import keywords_of, typed
from longstride.storage.errors import StoreError
from tests.helpers.errors import raises


@dataclass(frozen=True, kw_only=True)
class Sizes:
    path: str = field(kw_only=False)
    """Where."""
    rows: int = 3
    """How many."""
    share: float | None = None
    """How much."""
    names: Sequence[str] = ()
    """Which."""


@keywords_of(Sizes, StoreError)
def measure(options: Sizes) -> Sizes:
    """Measure."""
    return options


class Measured:
    @keywords_of(Sizes)
    def __init__(self, options: Sizes) -> None:
        """Measure."""
        self.options = options


def test_the_fields_are_the_parameters_and_are_explained() -> None:
    expected = "(path: str, *, rows: int = 3, share: float | None = None, names: Sequence[str] = ())"
    assert str(inspect.signature(measure)).startswith(expected)
    assert str(inspect.signature(Measured)).startswith(expected)
    assert inspect.getdoc(measure) == (
        "Measure.\n\npath\n    Where.\nrows = 3\n    How many.\n"
        "share = None\n    How much.\nnames = ()\n    Which."
    )
    assert Measured("here", rows=4).options == measure("here", rows=4) == Sizes("here", rows=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", None),
        ("rows", "3"),
        ("rows", 3.0),
        ("rows", True),
        ("share", "a"),
        ("names", "ab"),
        ("names", [1]),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with raises("option-value", f"{name} is {value!r}", kind=StoreError):
        measure(**{"path": "here", name: value})  # type: ignore[arg-type]


def test_numbers_of_numpy_become_plain_ones() -> None:
    found = measure("here", rows=np.int64(4), share=np.float32(0.5), names=np.array(["a", "b"]))  # type: ignore[arg-type]
    assert found == Sizes("here", rows=4, share=0.5, names=["a", "b"])
    assert type(found.rows) is int


def test_a_call_that_does_not_fit_names_the_function() -> None:
    with pytest.raises(TypeError, match=r"measure\(\) got an unexpected keyword argument 'row'"):
        measure("here", row=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"Measured.__init__\(\) missing a required argument: 'path'"):
        Measured()  # type: ignore[call-arg]


def test_a_call_of_a_checked_function_that_does_not_fit_names_it_too() -> None:
    @typed
    def count(rows: int) -> int:
        return rows

    assert count(3) == 3
    with pytest.raises(TypeError, match=r"count\(\) got an unexpected keyword argument 'row'"):
        count(3, row=3)  # type: ignore[call-arg]
    with raises("option-value", "rows is 'a': expected a whole number"):
        count("a")  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(10**12, 32), (10**12,)])
def test_a_log_of_any_length_is_refused_at_once(shape: tuple[int, ...]) -> None:
    log = np.broadcast_to(np.float32(0), shape)  # as a list it would not fit into any memory
    with raises("option-value", "path is"):
        Measured(log)  # type: ignore[arg-type]
