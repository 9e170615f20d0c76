"""Facts to the left of the first rows, as oscilloscopes of Tektronix write them."""

from pathlib import Path

import numpy as np
import pytest

from longstride.pipeline.profile.text.facts_beside import find_beside
from longstride.pipeline.profile.text.table import find_table
from tests.helpers.logs.small_logs import doubted, ingest, propose

FACTS = [
    "Record Length,200",
    "Sample Interval,{step}",
    "Trigger Point,1.0e+02",
    ",",
    "Source,CH2",
    "Vertical Units,V",
]
COUNT = 200


def scope(step: str, *, facts: list[str] = FACTS, columns: int = 2) -> str:
    rows = []
    for row in range(COUNT):
        left = facts[row].format(step=step) if row < len(facts) else ","
        values = [f"{(row - 100) * 4e-5:018.12f}", f"  {row % 9 / 4:.5f}"][-columns:]
        rows.append(f"{left},,{','.join(values)},\n")
    return "".join(rows)


def test_the_interval_beside_the_rows_tells_which_column_is_the_time(tmp_path: Path) -> None:
    file = tmp_path / "TEK0000.CSV"
    file.write_text(scope("4.000000e-05"))
    found = propose(file)
    assert found.settings["time"] == "time"
    assert doubted(found, "Sample Interval")
    store = ingest(file, out=tmp_path / "log.zarr")
    assert tuple(store.channels) == ("CH2",)
    np.testing.assert_array_equal(np.asarray(store.time[:]).astype("int64"), (np.arange(COUNT) - 100) * 40_000)
    np.testing.assert_array_equal(np.asarray(store.values[:])[:, 0], (np.arange(COUNT) % 9 / 4).astype(np.float32))


@pytest.mark.parametrize(
    "text",
    [
        scope("4e-05", facts=[f"{row},{row}" for row in range(COUNT)]),
        scope("4e-05", facts=[f"state {row},{row}" for row in range(COUNT)]),
        scope("4e-05", facts=[]),
        "a,b\n1,2\n",
        "",
    ],
    ids=["numbers", "texts in all rows", "no facts", "two columns", "empty"],
)
def test_columns_of_rows_are_no_facts(text: str) -> None:
    assert find_beside(find_table(text.encode(), None)) is None


def test_another_step_than_the_facts_tell_names_no_time() -> None:
    found = find_beside(find_table(scope("1e-03").encode(), None))
    assert found is not None
    assert "time" not in found.names
    assert found.facts.every == "1000hz"
