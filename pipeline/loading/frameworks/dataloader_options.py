"""Options of torch's `DataLoader` that are none of a `WindowLoader`: what each would mean, or why it is refused.

And what Lightning does by them: for `predict` and `overfit_batches` it makes a loader again from its attributes.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from longstride.storage.errors import LongstrideError

__all__ = ["also_dataloader_options"]

P = ParamSpec("P")
Result = TypeVar("Result")

NO_SAMPLER = (
    "the order is a function of seed, epoch and step. Choose windows by split, without_labels, weights and "
    "windows_per_epoch, or give a DataLoader `WindowDataset(...).as_map()` and the sampler"
)
MEANT_ANYWAY: dict[str, tuple[tuple[Any, ...], str]] = {
    "sampler": ((None,), NO_SAMPLER),
    "batch_sampler": ((None,), NO_SAMPLER),
    "collate_fn": ((None,), "batches are gathered whole, not made of single windows: change them in the loop"),
    "pin_memory": (
        (False,),
        "device='cuda' makes batches there, of rows that are sent from pinned memory. For pinned batches, give "
        "`WindowDataset(...)` to a DataLoader with batch_size=None and pin_memory=True",
    ),
    "pin_memory_device": (("", None), "name the device of the batches by device="),
    "prefetch_factor": ((None,), "workers send starts of windows, not batches, and draw far ahead by themselves"),
    "timeout": ((0,), "a worker that is lost is noticed, and raises an error"),
    "worker_init_fn": ((None,), "workers only draw starts of windows, by seed="),
    "multiprocessing_context": ((None, "forkserver"), "workers are started by forkserver"),
    "generator": ((None,), "the order comes from seed="),
    "in_order": ((True,), "batches have one order, for any number of workers"),
    "dataset": ((), "the first parameter is the store. Give a DataLoader the dataset, with batch_size=None"),
}
"""For each, the values that say nothing else than what a loader does, and why any other one is refused."""

DROPPED = "a shuffled epoch leaves out the windows that fill no batch, others each time; shuffle=False serves all"
FILLED = (
    "in row order every window is served, and the last batch is filled with windows whose start is -1 and whose "
    "mask is False"
)
BY_OTHERS = ("drop_last", "persistent_workers")
"""What a loader does depends on its own options."""


def also_dataloader_options(init: Callable[P, Result]) -> Callable[P, Result]:
    """Let an `__init__` be called with options of torch's DataLoader too, as far as they mean what it does anyway.

    Raises LongstrideError, with the reason, for any other value.
    """

    @wraps(init)
    def call(loader: Any, *arguments: Any, **keywords: Any) -> Any:
        of_torch = {name: keywords.pop(name) for name in (*MEANT_ANYWAY, *BY_OTHERS) if name in keywords}
        if of_torch.keys() >= {"dataset", "sampler", "batch_sampler"} and "window" not in keywords:
            others = (keywords.get(name) for name in ("device", "transform"))
            return loader._made_again(of_torch["dataset"], keywords.get("num_workers", 0), *others)
        for name, value in of_torch.items():
            _check(name, value, keywords)
        init(loader, *arguments, **keywords)
        # Lightning notes how a loader was made in a hook, and would plan its windows again.
        for name in [name for name in vars(loader) if name.startswith("__pl_saved_")]:
            del vars(loader)[name]
        return None

    made: Any = call
    shown = inspect.signature(init)
    others = inspect.Parameter("of_dataloader", inspect.Parameter.VAR_KEYWORD, annotation=Any)
    made.__signature__ = shown.replace(parameters=[*shown.parameters.values(), others])
    return cast(Callable[P, Result], call)


def _check(name: str, value: Any, options: Mapping[str, Any]) -> None:
    shuffle, num_workers = options.get("shuffle", True), options.get("num_workers", 0)
    if name == "drop_last":
        accepted: tuple[Any, ...] = (bool(shuffle),)
        reason = DROPPED if shuffle else FILLED
    elif name == "persistent_workers":
        accepted = (True,) if num_workers else (False,)
        reason = "workers live from the first epoch to the last" if num_workers else "num_workers=0 starts none"
    else:
        accepted, reason = MEANT_ANYWAY[name]
    if not any(value is one or (type(value) is type(one) and value == one) for one in accepted):
        shown = " ".join(repr(value).split())[:80]
        raise LongstrideError(f"{name}={shown} of torch's DataLoader is not taken: {reason}", code="option-value")
