"""Functions that split one store, or several in one call."""

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from longstride.pipeline.loading.splits import Splits, SplitsOfStores
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.open_data import DataOrPath, opened_data
from longstride.storage.series.data import SeriesData

__all__ = ["gives_folds", "gives_splits"]

P = ParamSpec("P")
One = TypeVar("One")
OneResult = TypeVar("OneResult", covariant=True)
SeveralResult = TypeVar("SeveralResult", covariant=True)


class _Splitter(Protocol[P, OneResult, SeveralResult]):
    @overload
    def __call__(self, store: DataOrPath, /, *args: P.args, **options: P.kwargs) -> OneResult: ...

    @overload
    def __call__(self, store: Sequence[DataOrPath], /, *args: P.args, **options: P.kwargs) -> SeveralResult: ...


def gives_splits(
    function: Callable[Concatenate[Sequence[SeriesData], P], list[Splits]],
) -> _Splitter[P, Splits, SplitsOfStores]:
    """Let a function that splits opened stores take one store or a list, and give `Splits` or `SplitsOfStores`."""
    made: _Splitter[P, Splits, SplitsOfStores] = _taking_one_or_several(function, SplitsOfStores.of)
    return made


def gives_folds(
    function: Callable[Concatenate[Sequence[SeriesData], P], list[list[Splits]]],
) -> _Splitter[P, list[Splits], list[SplitsOfStores]]:
    """The same of a function that gives the folds of each store."""

    def by_fold(folds: list[list[Splits]]) -> list[SplitsOfStores]:
        return [SplitsOfStores.of(fold) for fold in zip(*folds, strict=True)]

    made: _Splitter[P, list[Splits], list[SplitsOfStores]] = _taking_one_or_several(function, by_fold)
    return made


def _taking_one_or_several(function: Callable[..., list[One]], join: Callable[[list[One]], Any]) -> Any:
    split_all = typed(function)

    @coded
    @wraps(function)
    def split(store: Any, *args: Any, **options: Any) -> Any:
        several = isinstance(store, list | tuple)
        if several and not store:
            raise LongstrideError("no store is given: expected at least one", code="option-value")
        found = split_all([opened_data(one) for one in (store if several else [store])], *args, **options)
        return join(found) if several else found[0]

    signature = inspect.signature(function)
    first, *others = signature.parameters.values()
    first = first.replace(name="store", annotation=DataOrPath | Sequence[DataOrPath])
    shown: Any = split
    shown.__signature__ = signature.replace(parameters=[first, *others])
    return shown
