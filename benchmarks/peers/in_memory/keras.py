"""`keras.utils.timeseries_dataset_from_array`: a `tf.data.Dataset` of windows of the log, which is in memory.

Start rows are shuffled once; each epoch then shuffles windows again among those of about eight batches.
"""

from typing import Any

import keras

from benchmarks.harness.case import Case

__all__ = ["DISTRIBUTION", "loader"]

DISTRIBUTION = "keras"


def loader(case: Case) -> Any:
    """Shuffled batches (B, K, N); how many threads make them is TensorFlow's own choice."""
    dataset = keras.utils.timeseries_dataset_from_array(
        case.rows(),
        targets=None,
        sequence_length=case.window,
        sequence_stride=case.stride,
        batch_size=case.batch,
        shuffle=True,
        seed=case.seed,
    )
    return dataset.take(len(case.starts) // case.batch)  # it has no drop_last
