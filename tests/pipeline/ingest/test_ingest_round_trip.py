"""Random tables, written by Python's csv module, come back exactly."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, ingest
from longstride.storage.open import open_store

NUMBERS = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(-1e-6, 1e-6),
    st.integers(-1000, 1000),
    st.floats(-100, 100).map(lambda number: round(number, 2)),
)
MISSING = st.sampled_from(["", "NA", "NaN", "no value"])
FIELDS = st.one_of(NUMBERS.map(str), MISSING, NUMBERS.map(lambda number: f" {number} "))
ROWS = st.lists(
    st.tuples(
        FIELDS,
        FIELDS,
        st.sampled_from(["0", "1", "true", "False"]),
        st.text(st.sampled_from('ab,"\n\r é;')),
        st.integers(1, 10**12),
    ),
    min_size=1,
    max_size=40,
)


def expected(fields: list[str]) -> np.ndarray:
    texts = [field.strip() for field in fields]
    return np.array([float(text) if text not in ("", "NA", "no value") else np.nan for text in texts])


@settings(max_examples=60, deadline=None)
@given(
    ROWS,
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
    st.integers(1, 400),
)
def test_what_the_csv_module_writes_comes_back(
    rows: list[tuple[str, str, str, str, int]],
    dtype: str,
    quoting: int,
    end: str,
    compressed: bool,
    marked: bool,
    piece_bytes: int,
) -> None:
    time = np.cumsum([row[4] for row in rows])
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=end)
    writer.writerow(["remark", "a", "time", "b", "label"])
    for (a, b, label, remark, _), stamp in zip(rows, time.tolist(), strict=True):
        writer.writerow([remark, a, str(np.datetime64(stamp, "ns")), b, label])
    data = b"\xef\xbb\xbf" * marked + text.getvalue().encode()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "log.csv"), Path(folder, "out")
        source.write_bytes(gzip.compress(data) if compressed else data)
        recipe = Recipe(time="time", labels=("label",), exclude=("remark",), null=("NA", "no value"), dtype=dtype)
        report = ingest([source], out, recipe, piece_bytes=piece_bytes)
        store = open_store(out)
        assert report.num_rows == len(rows)
        np.testing.assert_array_equal(store.time, time)
        values = np.stack([expected([row[column] for row in rows]) for column in (0, 1)], axis=1)
        np.testing.assert_array_equal(store.values, values.astype(dtype))
        assert store.labels is not None
        assert store.labels[:, 0].tolist() == [row[2] in ("1", "true") for row in rows]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pump", "fan 2", "", 'a "b", c']), st.integers(1, 50), st.floats(-100, 100, width=32)
        ),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 4),
    st.integers(1, 400),
)
def test_interleaved_series_come_back_each_in_its_order(
    rows: list[tuple[str, int, float]], num_files: int, piece_bytes: int
) -> None:
    rows = [(key or "none", step, value) for key, step, value in rows]
    time = np.cumsum([row[1] for row in rows]) * 10**9
    frame = pl.DataFrame(
        {"key": [row[0] for row in rows], "v": [row[2] for row in rows], "t": time.astype("datetime64[ns]")}
    )
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for index in range(num_files):
            part = frame[index * len(rows) // num_files : (index + 1) * len(rows) // num_files]
            files.append(Path(folder, f"{index}.{'csv' if index % 2 else 'parquet'}"))
            part.write_csv(files[-1]) if index % 2 else part.write_parquet(files[-1])
        out = Path(folder, "out")
        # Later files first: each series is put in the order of time all the same.
        ingest(files[::-1], out, Recipe(time="t", series="key", max_gap="20s"), piece_bytes=piece_bytes)
        store = open_store(out)
        assert not (out / ".staged").exists()
        wanted = frame.sort("key", maintain_order=True)
        assert store.series == tuple(sorted(set(wanted["key"])))
        np.testing.assert_array_equal(store.time, wanted["t"].to_physical().to_numpy())
        np.testing.assert_array_equal(store.values[:, 0], wanted["v"].to_numpy().astype(np.float32))
        keys = [
            store.series[series]
            for series in np.repeat(store.segments.series, store.segments.stop - store.segments.start)
        ]
        assert keys == wanted["key"].to_list()
