"""Parts that are held in memory: the newest ones, and none in another process."""

import pickle

import numpy as np

from longstride.pipeline.ingest.staging.recent import RecentParts


def test_the_oldest_parts_go_first() -> None:
    recent = RecentParts(300)
    for piece in range(5):
        recent.keep((0, 0, piece), {"time": np.zeros(100, np.int8)})
    assert [recent.get((0, 0, piece)) is not None for piece in range(5)] == [False, False, True, True, True]
    recent.drop((0, 0, 3))
    recent.keep((0, 0, 5), {"time": np.zeros(100, np.int8)})
    assert recent.get((0, 0, 2)) is not None
    recent.keep((0, 0, 6), {"time": np.zeros(301, np.int8)})
    assert all(recent.get((0, 0, piece)) is None for piece in range(7))


def test_nothing_is_held_once_it_is_closed_nor_where_it_is_sent() -> None:
    recent = RecentParts(300)
    recent.keep((0, 0, 0), {"time": np.zeros(100, np.int8)})
    sent = pickle.loads(pickle.dumps(recent))
    sent.keep((0, 0, 1), {"time": np.zeros(1, np.int8)})
    assert sent.get((0, 0, 0)) is None
    assert sent.get((0, 0, 1)) is None
    recent.close()
    recent.keep((0, 0, 1), {"time": np.zeros(1, np.int8)})
    assert recent.get((0, 0, 0)) is None
    assert recent.get((0, 0, 1)) is None
