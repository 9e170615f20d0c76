"""Logs of sentences: which words all lines share, and what is read of them."""

from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.profile.text.sentences import find_sentences
from tests.helpers.logs.small_logs import doubted, propose

COUNT = 40
TEMPERATURE = [f"{10 + (row * 7 % 23) / 4}" for row in range(COUNT)]
HUMIDITY = [f"{30 + row * 11 % 37}" for row in range(COUNT)]
CLOCK = [f"12:{row:02d}:00" for row in range(COUNT)]
SENTENCES = {
    "epoch": "17000{row:02d}000.25 Temp={t} C and Hum={h}",
    "degrees": "2024-01-05 {clock},250 INFO Temp={t}*C  Hum={h}%",
    "level": "2024-01-05 {clock} {level} [probe-1] Temp: {t} C, Hum: {h} %",
    "brackets": "[2024-01-05 {clock}] Temp: {t} | Hum: {h} | state={state}",
    "keys": "ts=2024-01-05T{clock}Z unit=roof Temp={t} Hum={h}",
    "commas": "2024-01-05 {clock},Temp={t},Hum={h}",
}


def said(form: str) -> list[str]:
    return [
        form.format(
            row=row,
            clock=CLOCK[row],
            t=TEMPERATURE[row],
            h=HUMIDITY[row],
            level=("INFO", "WARN")[row % 3 // 2],
            state=("ON", "OFF")[row % 2],
        )
        for row in range(COUNT)
    ]


@pytest.mark.parametrize("form", SENTENCES)
def test_numbers_behind_their_names_become_columns(tmp_path: Path, form: str) -> None:
    file = tmp_path / "log.txt"
    file.write_text("a title\n" + "\n".join(said(SENTENCES[form])) + "\n")
    found = propose(file)
    assert "line" in found.settings
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    values = dict(zip(store.channels, np.asarray(store.values[:]).T, strict=True))
    np.testing.assert_array_equal(values["Temp"], np.array(TEMPERATURE, np.float32))
    np.testing.assert_array_equal(values["Hum"], np.array(HUMIDITY, np.float32))


@pytest.mark.parametrize("form", ["2024-01-05 {clock},{t},{h}", "2024-01-05 {clock} started {level}", "{t} {h}"])
def test_fields_and_plain_words_are_no_sentences(form: str) -> None:
    assert find_sentences(said(form)) is None


def test_a_line_of_another_kind_is_rejected_and_told(tmp_path: Path) -> None:
    lines = said(SENTENCES["keys"])
    lines[0] = "ts=2024-01-05T12:00:00Z sensor does not answer"
    file = tmp_path / "log.txt"
    file.write_text("\n".join(lines) + "\n")
    found = propose(file)
    assert doubted(found, "1 row of the sample cannot be read: line not cut")
    assert found.settings["max-rejects"] == "1"
    assert "skip-lines" not in found.settings


def test_names_that_come_again_have_the_word_before_them() -> None:
    found = find_sentences(said("2024-01-05 {clock} air temp: {t} water temp: {h} 7{row}"))
    assert found is not None
    assert all(f"?P<{name}>" in found.pattern for name in ("time", "air_temp", "water_temp", "a4"))
    assert found.invented == ("a4",)


def test_files_of_sentences_and_of_fields_are_not_read_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("\n".join(said(SENTENCES["keys"])) + "\n")
    second.write_text("\n".join(said("2024-01-05 {clock},{t},{h}")) + "\n")
    with pytest.raises(longstride.LongstrideError, match="line is"):
        propose(first, second)
    assert Recipe(time="t", line="(?P<t>.+)").columns_of_line == ("t",)
