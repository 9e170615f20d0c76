"""What others make of a loader as it is: torch.compile, page-locked memory, Lightning and Accelerate."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data._utils.pin_memory import pin_memory

from longstride import WindowBatch, WindowDataset, WindowLoader
from longstride.storage.store import SeriesStore
from tests.helpers.stores.store_of import StoreOf

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 32, "pool_rows": 2048, "block_rows": 256}


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    return store_of(
        np.random.default_rng(0).standard_normal((3000, 4)).astype(np.float32), [(0, 1200), (1300, 3000)]
    )


def starts_of(loader: WindowLoader, epoch: int) -> list[int]:
    loader.set_epoch(epoch)
    return [int(start) for batch in loader for start in batch.start]


def test_a_compiled_model_takes_batches_and_is_compiled_once(store: SeriesStore) -> None:
    compilations = 0

    def backend(graph: torch.fx.GraphModule, example_inputs: list[Tensor]) -> Any:
        nonlocal compilations
        compilations += 1
        return graph.forward

    model = nn.Linear(4, 2)
    compiled = torch.compile(lambda batch: model(batch.values).square().mean(), backend=backend, fullgraph=True)
    for batch in WindowLoader(store, **OPTIONS):
        assert torch.isclose(compiled(batch), model(batch.values).square().mean())
    assert compilations == 1


@pytest.mark.gpu
def test_batches_can_be_page_locked(store: SeriesStore) -> None:
    plain = DataLoader(WindowDataset(store, **OPTIONS), batch_size=None, pin_memory=True)
    for batch, locked in zip(WindowLoader(store, **OPTIONS), plain, strict=True):
        for served in (pin_memory(batch), locked):
            assert isinstance(served, WindowBatch)
            assert served.values.is_pinned()
            assert torch.equal(served.values, batch.values)


def lightning_model() -> Any:
    """A small model that notes what it is served, as a class: Lightning is imported where it is asked for."""
    import lightning

    class Model(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.served: list[int] = []

        def training_step(self, batch: WindowBatch, index: int) -> Tensor:
            assert isinstance(batch, WindowBatch)
            self.served += batch.start.tolist()
            loss: Tensor = (self.layer(batch.values) - batch.values).square().mean()
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    return Model


def test_lightning_resumes_in_the_middle_of_an_epoch(store: SeriesStore, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        import lightning

        class Model(lightning_model()):  # type: ignore[misc]
            def validation_step(self, batch: WindowBatch, index: int) -> None:
                assert batch.values.shape == (32, 16, 4)

        def fit(steps: int, resume: Path | None = None) -> tuple[list[int], Any]:
            model = Model()
            quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
            trainer = lightning.Trainer(
                max_steps=steps, accelerator="cpu", default_root_dir=tmp_path, enable_checkpointing=False, **quiet
            )
            loader = WindowLoader(store, **OPTIONS)
            trainer.fit(model, loader, WindowLoader(store, shuffle=False, **OPTIONS), ckpt_path=resume)
            return model.served, trainer

        steps = len(WindowLoader(store, **OPTIONS))
        stop = steps + 5
        first, trainer = fit(stop)
        trainer.save_checkpoint(tmp_path / "stopped.ckpt")
        second, _ = fit(2 * steps, tmp_path / "stopped.ckpt")
    loader = WindowLoader(store, **OPTIONS)
    assert first + second == starts_of(loader, 0) + starts_of(loader, 1)


@pytest.mark.parametrize(("num_workers", "in_hook"), [(0, False), (0, True), (2, False)])
def test_lightning_predicts_overfits_and_limits(store: SeriesStore, num_workers: int, in_hook: bool) -> None:
    """The first and second make a loader again from its attributes, and another way if a hook returned it."""
    options = {**OPTIONS, "num_workers": num_workers}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        import lightning

        class Model(lightning_model()):  # type: ignore[misc]
            def predict_step(self, batch: WindowBatch, index: int) -> Tensor:
                return batch.start

        class WithHooks(Model):
            def train_dataloader(self) -> WindowLoader:
                return WindowLoader(store, **options)

            def predict_dataloader(self) -> WindowLoader:
                return WindowLoader(store, shuffle=False, **options)

        def trainer(**others: Any) -> Any:
            quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
            return lightning.Trainer(accelerator="cpu", enable_checkpointing=False, **quiet, **others)

        def loaders(**others: Any) -> list[WindowLoader]:
            return [] if in_hook else [WindowLoader(store, **options, **others)]

        def fit(**others: Any) -> list[int]:
            model = WithHooks() if in_hook else Model()
            trainer(max_epochs=2, **others).fit(model, *loaders())
            return model.served

        found = trainer().predict(WithHooks() if in_hook else Model(), *loaders(shuffle=False))
        overfitted, limited = fit(overfit_batches=3), fit(limit_train_batches=3)
    loader = WindowLoader(store, **OPTIONS)
    epochs = [starts_of(loader, epoch)[: 3 * 32] for epoch in range(2)]
    assert torch.cat(found).tolist() == starts_of(WindowLoader(store, shuffle=False, **OPTIONS), 0)
    assert overfitted == epochs[0] * 2
    assert limited == epochs[0] + epochs[1]


@pytest.mark.parametrize("every", [0, 1, 2])
@pytest.mark.parametrize("in_hook", [False, True])
def test_each_epoch_of_lightning_is_another_however_loaders_are_made(
    store: SeriesStore, every: int, in_hook: bool
) -> None:
    """It asks for an iteration twice where it asks for the loader again, or fits again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        import lightning

        Model = lightning_model()

        class WithHook(Model):  # type: ignore[misc]
            def train_dataloader(self) -> WindowLoader:
                return WindowLoader(store, **OPTIONS)

        quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = lightning.Trainer(
            max_epochs=3,
            reload_dataloaders_every_n_epochs=every,
            accelerator="cpu",
            enable_checkpointing=False,
            **quiet,
        )
        model, loaders = (WithHook(), []) if in_hook else (Model(), [WindowLoader(store, **OPTIONS)])
        trainer.fit(model, *loaders)
        trainer.fit_loop.max_epochs = 5
        trainer.fit(model, *loaders)
    loader = WindowLoader(store, **OPTIONS)
    assert model.served == [start for epoch in range(5) for start in starts_of(loader, epoch)]


LIGHTNING = """
import json, sys, warnings
warnings.simplefilter("ignore")
import lightning, torch
from longstride import WindowLoader

class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer, self.served = torch.nn.Linear(4, 4), []

    def training_step(self, batch, index):
        self.served += batch.start.tolist()
        return self.layer(batch.values).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)

    def on_train_end(self):
        with open(f"{sys.argv[3]}-{self.global_rank}.json", "w") as file:
            json.dump(self.served, file)

if __name__ == "__main__":
    loader = WindowLoader(sys.argv[1], **json.loads(sys.argv[2]))
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    lightning.Trainer(
        devices=2, strategy=sys.argv[4], max_epochs=1, accelerator="cpu", enable_checkpointing=False, **quiet
    ).fit(Model(), loader)
"""


@pytest.mark.parametrize("strategy", ["ddp", "ddp_fork", "ddp_spawn"])
def test_the_devices_of_lightning_share_a_plain_loader(store: SeriesStore, tmp_path: Path, strategy: str) -> None:
    """The loader is made before there are ranks."""
    script = tmp_path / "train.py"
    script.write_text(LIGHTNING)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    arguments = [str(script), str(store.path), json.dumps(OPTIONS), str(tmp_path / "served"), strategy]
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr
    for rank in range(2):
        served = json.loads((tmp_path / f"served-{rank}.json").read_text())
        assert served == starts_of(WindowLoader(store, rank=rank, world_size=2, **OPTIONS), 0)


ACCELERATED = """
import json, sys
import torch
from accelerate import Accelerator
from longstride import WindowLoader

accelerator = Accelerator(cpu=True)
loader = WindowLoader(sys.argv[1], **json.loads(sys.argv[2]))
model = torch.nn.Linear(4, 4)
model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters()), loader)
assert isinstance(loader, WindowLoader)
served = []

def train(epoch, stop=None):
    for number, batch in enumerate(loader, 1):
        served.append((epoch, batch.start.tolist()))
        loss = (model(batch.values) - batch.values).square().mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        if number == stop:
            return

train(0)
train(1, stop=4)
accelerator.save_state(sys.argv[3])
accelerator.wait_for_everyone()
list(loader)
accelerator.load_state(sys.argv[3])
train(1)
with open(f"{sys.argv[3]}-{accelerator.process_index}.json", "w") as file:
    json.dump(served, file)
# Gloo aborts a process that ends within milliseconds of its last step: its thread still holds the step's work, and
# finds no interpreter to let go of it (pytorch#179291).
accelerator.free_memory()
accelerator.end_training()
"""


@pytest.mark.parametrize("world_size", [1, 2])
def test_accelerate_takes_a_loader_on_any_number_of_processes(
    store: SeriesStore, tmp_path: Path, world_size: int
) -> None:
    script = tmp_path / "train.py"
    script.write_text(ACCELERATED)
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={world_size}", "--standalone"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    arguments = [str(script), str(store.path), json.dumps(OPTIONS), str(tmp_path / "state")]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    for rank in range(world_size):
        served = json.loads((tmp_path / f"state-{rank}.json").read_text())
        loader = WindowLoader(store, rank=rank, world_size=world_size, **OPTIONS)
        for epoch in range(2):
            assert [start for e, starts in served if e == epoch for start in starts] == starts_of(loader, epoch)
