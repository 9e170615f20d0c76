"""Parquet and Arrow files that are damaged: a clear error, and nothing silent where pages have checksums."""

import io
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from longstride import LongstrideError, Recipe, ingest
from longstride.storage.open import open_store
from tests.helpers.campaigns import count, trials
from tests.helpers.errors import raises

ROWS = 300
FRAME = pl.DataFrame(
    {
        "time": [f"2024-03-01 00:{row // 60:02}:{row % 60:02}" for row in range(ROWS)],
        "a": np.random.default_rng(0).normal(size=ROWS),
        "b": range(ROWS),
    }
)
CODES = {
    "encoding-wrong",
    "source-damaged",
    "source-format",
    "column-missing",
    "column-repeated",
    "column-type",
    "no-channels",
}


def parquet(*, checksums: bool) -> bytes:
    sink = io.BytesIO()
    pa.parquet.write_table(FRAME.to_arrow(), sink, write_page_checksum=checksums, row_group_size=100)
    return sink.getvalue()


def feather(compression: str) -> bytes:
    sink = io.BytesIO()
    pa.feather.write_feather(FRAME.to_arrow(), sink, compression=compression, chunksize=100)
    return sink.getvalue()


def outcome(folder: Path, data: bytes) -> bytes | str:
    """The values that come of a file, or the code of the error."""
    log = folder / "log"
    log.write_bytes(data)
    out = folder / f"out {len(list(folder.iterdir()))}"
    try:
        ingest([log], out, Recipe(time="time"))
    except LongstrideError as error:
        return error.code
    return open_store(out).values.tobytes()


@pytest.mark.campaign
def test_no_flipped_bit_of_a_parquet_file_with_page_checksums_is_silent(tmp_path: Path) -> None:
    data = parquet(checksums=True)
    whole = outcome(tmp_path, data)
    random = Random(0)
    found = []
    number = trials(60, 3000)
    footer = int.from_bytes(data[-8:-4], "little")  # which has no checksum: a name that flips is another name
    for place in random.choices(range(len(data) - footer - 8), k=number):
        broken = bytearray(data)
        broken[place] ^= 1 << random.randrange(8)
        found.append(outcome(tmp_path, bytes(broken)))
    assert {one for one in found if one != whole} <= CODES
    assert found.count("source-damaged") > number / 2
    count("flipped bits in columnar sources", number)


def test_row_groups_have_the_rows_of_the_file(tmp_path: Path) -> None:
    """Told in two places of the footer."""
    data = parquet(checksums=True)
    group = b"\x16\xc8\x01"  # 100 rows, as a number of the footer
    at = data.rindex(group)
    (tmp_path / "log").write_bytes(data[:at] + b"\x16\xc0\x01" + data[at + len(group) :])
    with raises("source-damaged", "296", "300"):
        ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time"))


@pytest.mark.campaign
@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_a_flipped_bit_of_an_arrow_file_never_crashes(tmp_path: Path, compression: str) -> None:
    """It has no checksums, but what it says of lengths and texts is checked before it is believed."""
    data = feather(compression)
    random = Random(0)
    number = trials(60, 1500)
    for place in random.choices(range(len(data)), k=number):
        broken = bytearray(data)
        broken[place] ^= 1 << random.randrange(8)
        outcome(tmp_path, bytes(broken))
    count("flipped bits in columnar sources", number)


def test_a_name_that_is_no_text_is_damage(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(parquet(checksums=True).replace(b"\x04time", b"\x04\xf5ime"))
    with raises("source-damaged", "Parquet"):
        ingest([tmp_path / "log"], tmp_path / "out", Recipe(time="time"))
