"""The gradient of a batch, in parts and over ranks, compared with that of the whole."""

import multiprocessing
import os
import socket

import pytest
import torch

from longstride.trainer.engine.distributed import Ranks, start_ranks
from longstride.trainer.engine.gradients import add_gradients, rescale_gradients
from longstride.trainer.engine.loss import LOSSES
from longstride.trainer.engine.model_runner import ModelRunner
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.models.lstm import LSTMAutoencoder
from longstride.trainer.tasks.reconstruct import Reconstruct

LOSS = LOSSES["mse"]
NAMES = ("a", "b", "c")
TASK = Reconstruct(5, NAMES, NAMES, NAMES)
RUNNER = ModelRunner(Normalisation(torch.zeros(3), torch.ones(3)), "fp32", torch.device("cpu"), TASK, "lstm")


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
    return loss.item(), [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


def check(ranks: Ranks, mine: slice, parts: int) -> None:
    """Loss and gradients of this rank's windows are, after all have met, those of the whole batch."""
    expected_loss, expected_gradients = expected_loss_and_gradients()
    model, windows, mask = model_and_batch()
    samples = TASK.samples(windows[mine], mask[mine], None)
    num_values = 8 * 5 * 3
    error = add_gradients(
        RUNNER,
        ranks.parallel(model),
        LOSS,
        samples,
        parts=parts,
        scale=ranks.world_size / num_values,
        scaler=torch.amp.GradScaler("cpu", enabled=False),
    )
    total, valid = ranks.sum(error, samples.num_valid())
    rescale_gradients(model, num_values / valid)
    assert abs(total / valid - expected_loss) < 1e-6
    for parameter, expected in zip(model.parameters(), expected_gradients, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-6, atol=1e-6)


def check_one_rank(rank: int, port: int) -> None:
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    with start_ranks("cpu") as ranks:
        for bounds in ([0, 4, 8], [0, 1, 8]):
            for parts in (1, 3):
                check(ranks, slice(bounds[rank], bounds[rank + 1]), parts if bounds[1] == 4 else 1)


def test_any_split_over_ranks_has_the_loss_and_gradients_of_the_whole_batch() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=check_one_rank, args=(rank, port)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(50)
    assert [process.exitcode for process in processes] == [0, 0]


@pytest.mark.parametrize("parts", [1, 2, 3, 8, 100])
def test_any_parts_have_the_loss_and_gradients_of_the_whole_batch(parts: int) -> None:
    check(Ranks(0, 1, torch.device("cpu")), slice(None), parts)


def test_only_one_part_is_in_memory() -> None:
    model, windows, mask = model_and_batch()
    sizes: list[int] = []
    model.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    add_gradients(RUNNER, model, LOSS, TASK.samples(windows, mask, None), parts=4, scale=1.0, scaler=scaler)
    assert sizes == [2, 2, 2, 2]


def test_a_batch_without_a_value_gives_gradients_of_zero() -> None:
    model, windows, mask = model_and_batch()
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    nothing = torch.zeros_like(mask)
    add_gradients(RUNNER, model, LOSS, TASK.samples(windows, nothing, None), parts=2, scale=1.0, scaler=scaler)
    rescale_gradients(model, 120.0)
    assert all(not parameter.grad.any() for parameter in model.parameters() if parameter.grad is not None)
