"""Files of labels that lie beside logs are said in a doubt, with the line that takes them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longstride.pipeline.ingest.setting import toml
from tests.helpers.logs.small_logs import doubted, ingest, log, propose, times, wave


@pytest.mark.parametrize(
    ("labels", "pattern"),
    [
        ("a/test_label.csv", "{folder}/{name}_label.csv"),
        ("a/test.labels.txt", "{folder}/{name}.labels.txt"),
        ("a/labels/test.csv", "{folder}/labels/{name}.csv"),
        ("a_label/test.txt", "{folder}_label/{name}.txt"),
    ],
)
def test_labels_beside_a_log(tmp_path: Path, labels: str, pattern: str) -> None:
    source, file = tmp_path / "a" / "test.csv", tmp_path / labels
    for path in (source, file):
        path.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("\n".join(log("time,v", times(40), wave(40))))
    file.write_text("0\n1\n" * 20)
    assert doubted(propose(source), f"say label-file = {toml(pattern)}")
    store = ingest(source, out=tmp_path / "out.zarr", edits=f"label-file = {toml(pattern)}\n")
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [0, 1] * 20


def test_other_files_beside_a_log_are_no_labels(write_log: Callable[..., Path]) -> None:
    for name in ("label_printer.csv", "b_label.csv", "a2.csv"):
        write_log(name, ["x"])
    assert not doubted(propose(write_log("a.csv", log("time,v", times(40), wave(40)))), "label-file")


def _rows(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(log("time,v", times(40), wave(40))))
    return path


def test_labels_of_what_is_tested_on_are_not_of_what_is_trained_on(tmp_path: Path) -> None:
    train, test = _rows(tmp_path / "train" / "a.csv"), _rows(tmp_path / "test" / "a.csv")
    (tmp_path / "test_label").mkdir()
    (tmp_path / "test_label" / "a.txt").write_text("0\n1\n" * 20)
    assert not doubted(propose(train), "label-file")
    assert doubted(propose(test), 'label-file = "{folder}_label/{name}.txt"')
    assert doubted(propose(train, test), '{folder}_label/{name}.txt", and absent-labels = "zero" for logs')
