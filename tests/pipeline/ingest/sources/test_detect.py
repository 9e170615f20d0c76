"""One log in every format and dressing gives the same store bit for bit; what is no log is told in one line."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pytest
from click.testing import CliRunner

from longstride import Recipe, ingest
from longstride.__main__ import main
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises

NAMES = ("time", "temp °C", "flow", "fault", "note")
NUM_ROWS = 120
SETTINGS: dict[str, Any] = {"time": "time", "labels": ("fault",), "exclude": ("note",)}
PIECES = [100, 2**23]


def text_rows() -> list[tuple[str, ...]]:
    """The log as texts; empty where missing."""
    random = np.random.default_rng(5)
    rows = []
    for row in range(NUM_ROWS):
        time = str(np.datetime64("2024-03-01T00:00", "s") + np.timedelta64(60 * row, "s")).replace("T", " ")
        temperature = "" if row % 7 == 0 else repr(random.normal(20, 5))
        flow = ["-0.0", "1e-7", "3", "123456.789e2", ""][row % 5]
        note = ["", "5 °C, or more", 'the "hot" pipe', "°"][row % 4]
        rows.append((time, temperature, flow, str(row % 11 // 10), note))
    return rows


ROWS = text_rows()


def typed() -> pl.DataFrame:
    frame = pl.DataFrame(ROWS, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    numbers = pl.col("temp °C", "flow").replace("", None).cast(pl.Float64)
    return frame.with_columns(numbers, pl.col("time").str.to_datetime(), pl.col("fault").cast(pl.Int8))


def csv_log(
    *,
    separator: str = ",",
    decimal: str = ".",
    quote: bool = False,
    ends: tuple[str, ...] = ("\n",),
    header: bool = True,
    repeated: bool = False,
    trailing: int = 0,
    trailing_header: int | None = None,
    index: bool = False,
    encoding: str = "utf-8",
) -> bytes:
    def written(field: str) -> str:
        if quote or set(field) & {separator, '"'}:
            return '"' + field.replace('"', '""') + '"'
        return field

    def line(fields: tuple[str, ...], more: int) -> str:
        return separator.join([*map(written, fields), *[""] * more])

    head = line(NAMES, trailing if trailing_header is None else trailing_header)
    lines = [head] if header else []
    for number, (time, *numbers, fault, note) in enumerate(ROWS, 1):
        fields = (time, *(text.replace(".", decimal) for text in numbers), fault, note)
        lines.append(line((str(number), *fields) if index else fields, trailing))
        if repeated and number % 20 == 0:
            lines.append(head)
    return "".join(text + ends[number % len(ends)] for number, text in enumerate(lines)).encode(encoding)


def json_log(end: str = "\n") -> bytes:
    def value(name: str, text: str) -> object:
        if name in ("time", "note"):
            return text
        return None if text == "" else int(text) if name == "fault" else float(text)

    rows = [{name: value(name, text) for name, text in zip(NAMES, row, strict=True)} for row in ROWS]
    return "".join(json.dumps(row) + end for row in rows).encode()


def in_members(compress: Callable[[bytes], bytes]) -> bytes:
    """Compressed in pieces that end anywhere."""
    data = csv_log()
    return b"".join(compress(data[start : start + 1000]) for start in range(0, len(data), 1000))


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def parquet(**options: Any) -> bytes:
    sink = io.BytesIO()
    typed().write_parquet(sink, **options)
    return sink.getvalue()


def arrow_file(table: pa.Table, batch_rows: int) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue()


def feather(compression: str) -> bytes:
    sink = io.BytesIO()
    pa.feather.write_feather(typed().to_arrow(), sink, compression=compression, chunksize=33)
    return sink.getvalue()


DRESSINGS: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "csv": (csv_log, {}),
    "semicolon": (lambda: csv_log(separator=";"), {"separator": ";"}),
    "tab": (lambda: csv_log(separator="\t"), {"separator": "tab"}),
    "bar": (lambda: csv_log(separator="|"), {"separator": "|"}),
    "decimal comma": (lambda: csv_log(separator=";", decimal=","), {"separator": ";", "decimal": ","}),
    "decimal comma in quotes": (
        lambda: csv_log(separator=";", decimal=",", quote=True),
        {"separator": ";", "decimal": ","},
    ),
    "quoted": (lambda: csv_log(quote=True), {}),
    "crlf": (lambda: csv_log(ends=("\r\n",)), {}),
    "mixed ends": (lambda: csv_log(ends=("\r\n", "\n", "\n")), {}),
    "quoted, mixed ends": (lambda: csv_log(quote=True, ends=("\r\n", "\n")), {}),
    "no last line end": (lambda: csv_log().rstrip(b"\n"), {}),
    "mark": (lambda: b"\xef\xbb\xbf" + csv_log(), {}),
    "mark, repeated with the header": (lambda: b"\xef\xbb\xbf" + csv_log(repeated=True), {}),
    "latin-1": (lambda: csv_log(encoding="latin-1"), {"encoding": "latin-1"}),
    "cp1252": (lambda: csv_log(encoding="cp1252", separator=";"), {"encoding": "cp1252", "separator": ";"}),
    "no header": (lambda: csv_log(header=False), {"header": NAMES}),
    "no header but a mark": (lambda: b"\xef\xbb\xbf" + csv_log(header=False, quote=True), {"header": NAMES}),
    "header repeated": (lambda: csv_log(repeated=True), {}),
    "header repeated, crlf": (lambda: csv_log(repeated=True, ends=("\r\n", "\n", "\n")), {}),
    "an empty column at the end": (lambda: csv_log(trailing=1), {}),
    "two empty columns at the end": (lambda: csv_log(trailing=2), {}),
    "empty columns that the header lacks": (lambda: csv_log(trailing=2, trailing_header=0, quote=True), {}),
    "empty columns in the header alone": (lambda: csv_log(trailing_header=2), {}),
    "row names as of R": (lambda: csv_log(index=True, quote=True), {}),
    "blank lines": (lambda: b"\n\r\n,,,,\n" + csv_log() + b"\n ,,\n\n", {}),
    "gz": (lambda: gzip.compress(csv_log()), {}),
    "gz of several members": (lambda: in_members(gzip.compress), {}),
    "gz, padded": (lambda: gzip.compress(csv_log()) + bytes(512), {}),
    "zst": (lambda: zstd(csv_log()), {}),
    "zst of several frames": (lambda: in_members(zstd), {}),
    "zst with its size": (lambda: pa.Codec("zstd").compress(csv_log(), asbytes=True), {}),
    "bz2": (lambda: bz2.compress(csv_log()), {}),
    "bz2 of several streams": (lambda: in_members(bz2.compress), {}),
    "xz": (lambda: lzma.compress(csv_log()), {}),
    "xz of several streams": (lambda: in_members(lzma.compress), {}),
    "latin-1, semicolons, decimal commas, crlf, gz": (
        lambda: gzip.compress(csv_log(separator=";", decimal=",", ends=("\r\n",), encoding="latin-1")),
        {"separator": ";", "decimal": ",", "encoding": "latin-1"},
    ),
    "ndjson": (json_log, {}),
    "ndjson beside decimal commas": (json_log, {"separator": ";", "decimal": ","}),
    "ndjson, crlf and a mark": (lambda: b"\xef\xbb\xbf" + json_log("\r\n\r\n"), {}),
    "ndjson, gz": (lambda: gzip.compress(json_log()), {}),
    "ndjson, zst, no last line end": (lambda: zstd(json_log().rstrip(b"\n")), {}),
    "parquet": (parquet, {}),
    "parquet of row groups": (lambda: parquet(row_group_size=50, compression="snappy"), {}),
    "arrow of record batches": (lambda: arrow_file(typed().to_arrow(), 50), {}),
    "arrow, columns in another order": (
        lambda: arrow_file(typed().select(reversed(NAMES)).to_arrow(), 7),
        {"channels": NAMES[1:3], "exclude": ()},
    ),
    "feather, lz4": (lambda: feather("lz4"), {}),
    "feather, zstd": (lambda: feather("zstd"), {}),
    "feather, plain": (lambda: feather("uncompressed"), {}),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    """What the log says, checked against the texts themselves."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "log").write_bytes(csv_log())
    ingest([folder / "log"], folder / "out", Recipe(**SETTINGS))
    store = open_store(folder / "out")
    values = [[np.float32(text or "nan") for text in row[1:3]] for row in ROWS]
    np.testing.assert_array_equal(store.values, values)
    np.testing.assert_array_equal(np.signbit(store.values), np.signbit(values))
    np.testing.assert_array_equal(store.time, [np.datetime64(row[0], "ns").astype(np.int64) for row in ROWS])
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [int(row[3]) for row in ROWS]
    return store


@pytest.mark.parametrize("piece_bytes", PIECES)
@pytest.mark.parametrize("dressing", DRESSINGS)
def test_one_log_in_every_dressing(tmp_path: Path, expected: SeriesStore, dressing: str, piece_bytes: int) -> None:
    make, settings = DRESSINGS[dressing]
    (tmp_path / "log").write_bytes(make())  # no suffix: the bytes tell
    report = ingest([tmp_path / "log"], tmp_path / "out", Recipe(**SETTINGS | settings), piece_bytes=piece_bytes)
    store = open_store(tmp_path / "out")
    assert store.channels == expected.channels
    assert store.values.tobytes() == expected.values.tobytes()
    assert store.time.tobytes() == expected.time.tobytes()
    assert store.labels is not None
    assert expected.labels is not None
    assert store.labels.tobytes() == expected.labels.tobytes()
    (file,) = report.files
    assert (file.rows_in, file.rows_out, file.rejected) == (NUM_ROWS, NUM_ROWS, {})
    assert file.num_bytes == (tmp_path / "log").stat().st_size


def broken(data: bytes) -> bytes:
    """With other bytes in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 20]) + data[middle + 20 :]


def archive(kind: str) -> bytes:
    sink = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(sink, "w") as file:
            file.writestr("log.csv", csv_log())
    else:
        with tarfile.open(fileobj=sink, mode="w:gz" if kind == "tar.gz" else "w") as file:
            info = tarfile.TarInfo("log.csv")
            info.size = len(csv_log())
            file.addfile(info, io.BytesIO(csv_log()))
    return sink.getvalue()


def arrow_stream() -> bytes:
    sink = io.BytesIO()
    table = typed().to_arrow()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


DAMAGED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "gz cut": (
        lambda: gzip.compress(csv_log())[:-30],
        "source-damaged",
        "",
    ),
    "gz broken": (lambda: broken(gzip.compress(csv_log())), "source-damaged", ""),
    "gz with something behind": (lambda: gzip.compress(csv_log()) + b"x" * 20, "source-damaged", ""),
    "zst cut": (lambda: zstd(csv_log())[:-30], "source-damaged", ""),
    "zst cut between blocks": (lambda: zstd(csv_log())[:20], "source-damaged", ""),
    "zst of frames, the last cut": (lambda: in_members(zstd)[:-10], "source-damaged", ""),
    "zst broken": (
        # In the header of its first block; what lies within is found by checksums that Arrow does not write.
        lambda: (data := zstd(csv_log()))[:6] + b"\xff" * 3 + data[9:],
        "source-damaged",
        "",
    ),
    "zst with something behind": (lambda: zstd(csv_log()) + b"x" * 20, "source-damaged", ""),
    "xz cut": (lambda: lzma.compress(csv_log())[:-30], "source-damaged", ""),
    "xz broken": (lambda: broken(lzma.compress(csv_log())), "source-damaged", ""),
    "bz2 cut": (lambda: bz2.compress(csv_log())[:-30], "source-damaged", ""),
    "bz2 broken": (lambda: broken(bz2.compress(csv_log())), "source-damaged", ""),
    "gz of nothing": (lambda: gzip.compress(b""), "source-empty", ""),
    "parquet cut": (lambda: parquet()[:-20], "source-damaged", "Parquet"),
    "parquet without its end": (lambda: parquet()[:500], "source-damaged", "Parquet"),
    "parquet, pages broken": (
        lambda: parquet()[:8] + b"\xff" * 400 + parquet()[408:],
        "source-damaged",
        "Parquet",
    ),
    "arrow cut": (lambda: feather("lz4")[:-20], "source-damaged", "Arrow IPC"),
    "arrow, bodies broken": (
        lambda: (data := feather("zstd"))[:1500] + b"\xff" * 400 + data[1900:],
        "source-damaged",
        "Arrow IPC",
    ),
    "arrow stream": (arrow_stream, "source-format", "Arrow IPC stream"),
    "parquet, gz": (lambda: gzip.compress(parquet()), "source-format", ""),
    "gz in gz": (lambda: gzip.compress(gzip.compress(csv_log())), "source-format", ""),
    "json array, cut": (lambda: b"[" + json_log().replace(b"\n", b",\n")[:-3], "source-format", "`jq -c '.[]'`"),
    "json array of arrays": (lambda: b"[\n  [1, 2]\n]\n", "source-format", "JSON array"),
    "json, several tables": (
        lambda: b'{"data": [{"time": 1, "a": 2}], "x": {"notes": [{"a": 1}, {"a": 2}]}}',
        "table-unnamed",
        "--table 'x.notes[]'",
    ),
    "json, pretty and cut": (lambda: b'{\n "time": 1,\n "a": 2,\n', "source-format", "cut off"),
    "json, pretty and wrong": (
        lambda: b'{\n "time": 1,\n "a" 2\n}\n' + b" " * 99,
        "source-format",
        "Expecting ':'",
    ),
    "zip": (lambda: archive("zip"), "source-format", "`unzip`"),
    "tar": (lambda: archive("tar"), "source-format", "`tar xf`"),
    "tar.gz": (lambda: archive("tar.gz"), "source-format", "`tar xf`"),
    "utf-16": (lambda: csv_log(encoding="utf-16"), "encoding-wrong", "--encoding utf-16"),
    "utf-16 without a mark": (lambda: csv_log(encoding="utf-16-le"), "encoding-wrong", "--encoding utf-16-le"),
    "utf-16, gz": (lambda: gzip.compress(csv_log(encoding="utf-16")), "encoding-wrong", "--encoding utf-16"),
    "utf-32": (lambda: csv_log(encoding="utf-32"), "encoding-wrong", "--encoding utf-32"),
    "utf-32 without a mark": (lambda: csv_log(encoding="utf-32-be"), "encoding-wrong", "--encoding utf-32-be"),
    "json in utf-16": (
        lambda: json_log().decode().encode("utf-16"),
        "source-format",
        "`iconv -f utf-16 -t utf-8`",
    ),
    "zeros": (lambda: bytes(1000), "source-format", "zero bytes"),
    "nothing": (lambda: b"", "source-empty", ""),
    "blank lines": (lambda: b"\n\n", "source-empty", ""),
    "header alone": (lambda: csv_log()[: csv_log().index(b"\n") + 1], "source-empty", ""),
    "no header": (lambda: csv_log(header=False), "column-missing", "--header"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_what_is_no_log_is_told_in_one_line(tmp_path: Path, damage: str) -> None:
    make, code, fact = DAMAGED[damage]
    (tmp_path / "log").write_bytes(make())
    flags = ["--out", str(tmp_path / "out"), "--time", "time", "--labels", "fault", "--channels", "flow"]
    result = CliRunner().invoke(main, ["ingest", str(tmp_path / "log"), *flags])
    assert result.exit_code == 1, result.output
    assert result.output.count("\n") == 1
    assert_refused(result.output, code, tmp_path / "log", fact)
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize(
    ("written", "encoding"),
    [("utf-8", "utf-16"), ("utf-8", "utf_32"), ("utf-8", "utf-16-be"), ("utf-16-le", "utf-16-be")],
)
def test_an_encoding_that_a_text_does_not_have(tmp_path: Path, written: str, encoding: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(csv_log(encoding=written))
    with raises("encoding-wrong", "log.csv", "utf-16-le"):
        ingest([path], tmp_path / "s.zarr", Recipe(time="time", encoding=encoding))
    assert not (tmp_path / "s.zarr").exists()
