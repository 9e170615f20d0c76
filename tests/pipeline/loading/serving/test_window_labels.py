"""Labels of windows by each rule, against counting."""

from collections import Counter

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from longstride.pipeline.loading.serving.window_labels import label_of

LABELS = stn.arrays(
    np.int8, stn.array_shapes(min_dims=3, max_dims=3, max_side=6), elements=st.sampled_from([-128, -1, 0, 1, 127])
)


@given(LABELS)
def test_the_most_frequent_label_and_of_equals_the_smallest(rows: np.ndarray) -> None:
    found = label_of(
        "majority", rows.shape[1], lambda ahead, length: torch.from_numpy(rows[:, ahead:][:, :length])
    )
    assert found.dtype == torch.int8
    for window, labels in zip(found.tolist(), rows, strict=True):
        for label, column in zip(window, labels.T.tolist(), strict=True):
            counts = Counter(column)
            assert label == min(one for one in counts if counts[one] == max(counts.values()))


@given(LABELS)
def test_rules_of_one_row_take_no_other(rows: np.ndarray) -> None:
    asked = []

    def take(ahead: int, length: int) -> torch.Tensor:
        asked.append((ahead, length))
        return torch.from_numpy(rows[:, ahead : ahead + length])

    window = rows.shape[1]
    assert np.array_equal(label_of("first", window, take), rows[:, 0])
    assert np.array_equal(label_of("last", window, take), rows[:, -1])
    assert asked == [(0, 1), (window - 1, 1)]
    assert np.array_equal(label_of("any", window, take), (rows != 0).any(axis=1))
    assert np.allclose(label_of("share", window, take), (rows != 0).mean(axis=1))
    assert label_of("any", window, take).dtype == torch.bool
    assert label_of("share", window, take).dtype == torch.float32
