"""States of a detector: of another detector, damaged, or no state at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Detector, LongstrideError
from longstride.trainer.live.state import pack_state, unpack_state
from tests.helpers.errors import raises
from tests.trainer.live.conftest import Log

ARRAYS: dict[str, Any] = {"inputs": np.zeros((0, 2, 3), np.float32), "length": np.zeros(0, np.int64)}


@given(st.lists(st.text(), unique=True, max_size=5), st.data())
def test_a_state_comes_back_as_it_was(names: list[str], data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 100)))
    arrays = {
        "inputs": random.standard_normal((len(names), 2, 3)).astype(np.float32),
        "length": random.integers(0, 9, len(names)),
    }
    state = pack_state({"model": "m"}, names, arrays)
    found_names, found = unpack_state(state, {"model": "m"}, ARRAYS)
    assert found_names == names
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    at = data.draw(st.integers(0, len(state) - 1))
    changed = bytes([*state[:at], state[at] ^ data.draw(st.integers(1, 255)), *state[at + 1 :]])
    for damaged in (changed, state[:at], state + b"x"):
        with raises("state-format"):
            unpack_state(damaged, {"model": "m"}, ARRAYS)


@pytest.mark.parametrize(
    ("names", "lengths"), [(["a", "a"], [1, 1]), (["a", 1], [1, 1]), (["a"], [1, 1]), (["a", "b"], [-1, 1])]
)
def test_what_no_detector_wrote_is_refused(names: list[Any], lengths: list[int]) -> None:
    state = pack_state({}, names, {"inputs": np.zeros((2, 2, 3), np.float32), "length": np.array(lengths)})
    with raises("state-format"):
        unpack_state(state, {}, ARRAYS)


@pytest.mark.parametrize("given", [None, "text", b"", b"\n\n", b"longstride-detector 0\n{}", {"a": 1}])
def test_no_state(given: Any) -> None:
    with raises("state-format"):
        unpack_state(given, {}, ARRAYS)


def test_the_state_of_another_detector_is_refused(runs: Path, log: Log) -> None:
    detector = Detector(runs / "pca", device="cpu")
    detector.score(log.values[:30])
    state = detector.state()
    with raises("state-differs", "another model"):
        Detector(runs / "lstm", device="cpu").restore(state)
    with raises("state-differs", "smooth was 1 and is 3"):
        Detector(runs / "pca", device="cpu", smooth=3).restore(state)
    smoothed = Detector(runs / "pca", device="cpu", smooth=3, stride=2).state()
    with raises("state-differs", "stride was 2 and is 4"):
        Detector(runs / "pca", device="cpu", smooth=3).restore(smoothed)
    # What a state does not depend on may be another.
    Detector(runs / "pca", device="cpu", aggregate="max", alarms=0.01, every=3, stride=2).restore(state)


def test_a_refused_state_changes_nothing(runs: Path, log: Log) -> None:
    detector = Detector(runs / "pca", device="cpu")
    detector.score(log.values[:30])
    with pytest.raises(LongstrideError):
        detector.restore(b"nothing")
    assert detector.score(log.values[30]).waiting.tolist() == [0]
