import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from longstride.pipeline.loading.serving.gather import BufferRing, WindowGather, window_view


def test_a_buffer_is_used_again_only_when_nothing_refers_to_it() -> None:
    ring = BufferRing((4, 3), np.float32, 2)
    first = ring.take()
    address = first.data_ptr()
    view = first[1:, :2].flatten()
    alias = first.view(-1)[5:]
    del first
    assert ring.take().data_ptr() != address
    del view
    assert address not in {ring.take().data_ptr() for _ in range(4)}
    del alias
    assert address in {ring.take().data_ptr() for _ in range(4)}


def test_a_numpy_view_or_a_graph_holds_the_buffer_too() -> None:
    ring = BufferRing((4,), np.float32, 1)
    array = ring.take().fill_(3.0).numpy()
    address = array.ctypes.data
    assert ring.take().data_ptr() != address
    del array
    assert ring.take().data_ptr() == address
    weight = torch.ones(4, requires_grad=True)
    loss = (weight * ring.take().fill_(2.0)).sum()
    assert ring.take().data_ptr() != address
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2.0] * 4
    del loss
    gc.collect()
    assert ring.take().data_ptr() == address


def test_window_view_copies_nothing() -> None:
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    view = window_view(values, 5)
    assert view.shape == (16, 5, 2)
    assert view.data_ptr() == values.ctypes.data
    for row in range(16):
        assert np.array_equal(view[row].numpy(), values[row : row + 5])


def test_windows_and_mask_equal_slices(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((300, 3))
    values[::7, 1] = np.nan
    values.flags.writeable = False
    gather = WindowGather([values], 11, 4, mask=True)
    starts = torch.tensor([0, 289, 17, 18])
    windows, mask = gather(starts, [4])
    expected = np.stack([values[row : row + 11] for row in starts.tolist()])
    assert windows.dtype == torch.float64
    assert np.array_equal(windows.numpy(), expected, equal_nan=True)
    assert mask is not None
    assert np.array_equal(mask.numpy(), ~np.isnan(expected))


@pytest.mark.parametrize("place", [0, 16, 128, 4080])
def test_windows_are_copied_to_where_their_array_begins_in_a_page(place: int) -> None:
    memory = np.empty(4096 + 4 * 400, np.uint8)
    first = (place - memory.ctypes.data) % 4096
    values = memory[first : first + 4 * 400].view(np.float32).reshape(100, 4)
    values[:] = np.arange(400).reshape(100, 4)
    for columns in (None, [[1, 0]]):
        gather = WindowGather([values], 8, 3, mask=True, columns=columns)
        kept = [gather(torch.tensor([row, 90, 2]))[0] for row in range(6)]  # more than the ring has
        assert {tensor.data_ptr() % 4096 for tensor in kept} == {place}
        chosen = values if columns is None else values[:, columns[0]]
        for row, windows in enumerate(kept):
            assert np.array_equal(windows.numpy(), [chosen[at : at + 8] for at in (row, 90, 2)])


def test_any_type_of_numbers_may_begin_in_a_buffer() -> None:
    memory = np.zeros(8 + 8 * 60, np.uint8)
    for offset in range(8):
        values = memory[offset : offset + 240].view(np.int8).reshape(-1, 3)
        windows, _ = WindowGather([values], 5, 2, mask=False)(torch.tensor([0, 7]))
        assert windows.data_ptr() % 16 == 0


def test_columns_of_several_arrays() -> None:
    random = np.random.default_rng(1)
    arrays = [random.standard_normal((rows, width)).astype(np.float32) for rows, width in ((40, 4), (30, 3))]
    gather = WindowGather(arrays, 5, 6, columns=[[2, 0], [0, 1]], mask=False)
    starts = torch.tensor([3, 20, 0, 25, 1, 7])
    windows, mask = gather(starts, [2, 6])
    assert mask is None
    for number, (window, start) in enumerate(zip(windows.numpy(), starts.tolist(), strict=True)):
        array, columns = (arrays[0], [2, 0]) if number < 2 else (arrays[1], [0, 1])
        assert np.array_equal(window, array[start : start + 5][:, columns])
    windows, _ = gather(starts, [0, 6])
    assert np.array_equal(windows.numpy()[0], arrays[1][3:8][:, [0, 1]])
