import multiprocessing
import os
import socket

import pytest
import torch

from trainer.distributed import start_ranks
from trainer.loss import num_valid, share_of_mean, squared_error
from trainer.models.lstm import LSTMAutoencoder


def model_and_batch() -> tuple[LSTMAutoencoder, torch.Tensor, torch.Tensor]:
    """A model, windows (8, 5, 3) and a mask that leaves the first half of the batch few values."""
    torch.manual_seed(0)
    model = LSTMAutoencoder(3, hidden=8, latent=4)
    windows, mask = torch.randn(8, 5, 3), torch.rand(8, 5, 3) > 0.1
    mask[:4] &= torch.rand(4, 5, 3) > 0.8
    return model, torch.where(mask, windows, 0.0), mask


def expected_loss_and_gradients() -> tuple[float, list[torch.Tensor]]:
    model, windows, mask = model_and_batch()
    loss = (model(windows) - windows)[mask].square().mean()
    loss.backward()
    return loss.item(), [parameter.grad for parameter in model.parameters()]


def check_one_rank(rank: int, port: int) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    expected_loss, expected_gradients = expected_loss_and_gradients()
    with start_ranks("cpu") as ranks:
        for bounds in ([0, 4, 8], [0, 1, 8]):
            model, windows, mask = model_and_batch()
            mine = slice(bounds[rank], bounds[rank + 1])
            windows, mask = windows[mine], mask[mine]
            parallel = ranks.parallel(model)  # it must outlive `backward`
            error = squared_error(parallel(windows), windows, mask)
            total_error, total_valid = ranks.sum(error.detach(), num_valid(windows, mask))
            share_of_mean(error, total_valid, ranks.world_size).backward()
            assert abs(total_error / total_valid - expected_loss) < 1e-6
            for parameter, expected in zip(model.parameters(), expected_gradients, strict=True):
                torch.testing.assert_close(parameter.grad, expected, rtol=1e-6, atol=1e-6)


def test_any_split_over_ranks_has_the_loss_and_gradients_of_the_whole_batch() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=check_one_rank, args=(rank, port)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0, 0]


def test_one_process_is_the_plain_mean() -> None:
    expected_loss, expected_gradients = expected_loss_and_gradients()
    model, windows, mask = model_and_batch()
    error = squared_error(model(windows), windows, mask)
    loss = share_of_mean(error, int(num_valid(windows, mask)), 1)
    loss.backward()
    assert abs(loss.item() - expected_loss) < 1e-6
    for parameter, expected in zip(model.parameters(), expected_gradients, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-6, atol=1e-6)


def test_without_a_mask_every_value_counts() -> None:
    prediction, target = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    everything = torch.ones(2, 3, 4, dtype=torch.bool)
    assert squared_error(prediction, target, None) == squared_error(prediction, target, everything)
    assert num_valid(target, None) == num_valid(target, everything) == 24


def test_masked_places_have_no_gradient() -> None:
    prediction = torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.rand(2, 3, 4) > 0.5
    squared_error(prediction, torch.zeros(2, 3, 4), mask).backward()
    assert prediction.grad is not None
    assert (prediction.grad[~mask] == 0).all()


def test_a_batch_without_a_value_gives_gradients_of_zero() -> None:
    prediction = torch.randn(2, 3, 4, requires_grad=True)
    nothing = torch.zeros(2, 3, 4, dtype=torch.bool)
    share_of_mean(squared_error(prediction, torch.zeros(2, 3, 4), nothing), 0, 2).backward()
    assert prediction.grad is not None
    assert (prediction.grad == 0).all()


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(AssertionError, match="against"):
        squared_error(torch.zeros(2, 3, 4), torch.zeros(2, 3, 1), None)
    with pytest.raises(AssertionError, match="against"):
        squared_error(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), torch.ones(1, 3, 4, dtype=torch.bool))
