"""`python -m benchmarks report`: docs/benchmarks.md from the committed results; no figure is typed by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.advice import advice
from benchmarks.tables import machine_line, spread, table
from benchmarks.windows_section import order_section, sweep_section, windows_section

__all__ = ["pictures", "report"]

MERGED = ("cells", "reading")
MANY = 3
"""More than these are drawn."""

INTRODUCTION = """\
# Benchmarks

Every figure on this page comes from a file in `benchmarks/results/` by `python -m benchmarks report`. All ways of
one case are measured in turn, several times ([how](decisions/0010-benchmarks.md)); a cell is the median, with the
smallest and largest where a spread is shown.
"""

SCALE = """\
## Length of the log

Windows of K = {window} at stride {stride}, B = {batch}, from logs of {num_channels} channels that differ in length
alone: their files are sparse, which read as zeros and take no room. Each first batch is in a process of its own,
from opening the store; own memory is that of the process without the pages of mapped files. A log of 100,000 rows
is 13 MB, which lies in the processor's cache: compare from a million on.

    python -m benchmarks scale
"""

DISK = """\
## Larger than memory

Windows that do not overlap, so that each row is served once an epoch, from a store of {gigabytes:.1f} GB in a
process that has {limit}, page cache included. Beside it the same files are read from end to end; both begin with
nothing of them in memory.

    python -m benchmarks disk
"""

PACKED = """\
## The packed layout

Windows of K rows served shuffled, B = {batch}, from a packed store of {num_rows:,} rows of {num_channels} float32
channels: random walks of three decimals, {codec}, {ratio:.2f} times smaller. In GB of windows per second: from the
packed store; the fair copy; decoding alone, times the K / stride windows that each row is in; through a cache that
is full; from the mapped store. Then the packed store beside the slower of copy and decoding, and beside one after
the other, since each alone takes all cores; and the cache beside the mapped layout.

    python -m benchmarks windows --layout packed --rows {num_rows}
"""

OBJECTS = """\
## From an object store

Epochs of windows that do not overlap, B = {batch}, from a packed store of {num_rows:,} rows of {num_channels}
float32 channels ({codec}, {ratio:.2f} times smaller) behind S3 on the same machine. Beside each epoch, the same
objects fetched and thrown away, as many at a time; and fetching and decoding one after the other, since the
machine is the server too. {link}

    python -m benchmarks windows --layout s3 --rows {num_rows} --s3 URL
"""

CODECS = """\
## Codecs

How many times smaller the values of a log become, and how fast one thread decodes them. Only `delta` is ours: it
keeps values of few decimals as whole numbers, and differences of these. GECCO is a public log of a water works,
demo that of `python -m benchmarks synth`, walk a random one of three decimals.

    python -m benchmarks codecs --log NAME=STORE
"""

DEVICE = """\
## On a GPU

Batches of B = {batch} on one {device}, from a warm store of {num_rows:,} rows of {num_channels} float32 channels:
expanded there from pools of rows (`device="cuda"`); made by the host, page-locked and sent; and from a `Dataset`
over `np.memmap` in a `DataLoader` with page-locked memory and the number of workers that serves it best. Resident
is the ceiling: the whole log lies on the device, and windows are gathered from it at random.

    python -m benchmarks device
"""

STEPS = """\
Training steps of small models on windows of K = {window} at stride {stride}; the time of a step is beside that on
one batch that lies on the device already, the same at every step.
"""

TRAIN = """\
## What loading costs a training

Steps of `longstride train` on {where}, from a warm store of {num_rows:,} rows of {num_channels} float32
channels, B = {batch}; the narrower a model, the more could loading matter. Beside them the same steps, with the
same model and optimiser, on one batch that stays where it is: nothing is loaded at all. The last column is the
share of the time in which the steps waited for the loader.

    python -m benchmarks train
"""

SHUFFLE = """\
## What a batch mixes

Windows of K = {window} at stride {stride}, B = {batch}, of a log of {num_rows:,} rows: pairs of windows in a batch
that share a row, and distances in time between its windows as shares of the log, by size of the pool, beside true
random order. The last column is how far the distances in a batch are from those of random rows (Kolmogorov and
Smirnov).

    python -m benchmarks shuffle
"""

INGEST = """\
## Ingest

A log of {num_columns} columns, as CSV (plain, gzipped) and as Parquet, sorted and shuffled, to columns on disk:
Longstride to its store, Polars by `scan_csv(...).sink_parquet(...)`, pyarrow by `open_csv` and a `ParquetWriter`,
pandas by chunks appended to a Zarr array. Sizes are those of the log as plain CSV, MB/s those of the file itself.
Only Longstride sorts a shuffled log, checks every line and can be killed and go on. Each run is a process of its
own; memory is the largest sum over its process tree.

    python -m benchmarks ingest
"""


def report(results: Path) -> str:
    """Page of all results (JSON files) in a folder, by benchmark and then by file name."""
    found = _read(results)
    sections = {
        "windows": windows_section,
        "sweep": sweep_section,
        "scale": _scale,
        "disk": _disk,
        "packed": _packed,
        "objects": _objects,
        "codecs": _codecs,
        "device": _device,
        "train": _train,
        "shuffle": _shuffle,
        "order": order_section,
    }
    parts = [INTRODUCTION, advice(found.values())]
    for benchmark, render in sections.items():
        for name, figures in found.items():
            if figures["benchmark"] == benchmark:
                parts.append(render(figures))
                if _is_drawn(figures):
                    parts.append(f"![{benchmark}, {figures['machine']['processor']}](images/{name}.svg)\n")
    ingest = [figures for figures in found.values() if figures["benchmark"] == "ingest"]
    return "\n".join([*parts, *map(_ingest, _by_machine(ingest))])


def pictures(results: Path) -> dict[str, str]:
    """The pictures of that page, SVG by file name."""
    from benchmarks.plots import DRAWINGS, svg

    return {
        f"{name}.svg": svg(DRAWINGS[figures["benchmark"]](figures))
        for name, figures in _read(results).items()
        if _is_drawn(figures)
    }


def _read(results: Path) -> dict[str, dict[str, Any]]:
    """Results by file name; those that differ in their windows alone are one, by the name of the first.

    Ours and the fair copy are in each of them: those of the first that has the case are told.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(results.glob("*.json")):
        figures = json.loads(path.read_text())
        same = next((other for other in found.values() if _without_cells(other) == _without_cells(figures)), None)
        if same and figures["benchmark"] == "windows":
            for name in MERGED:
                same[name] += [cell for cell in figures[name] if _key(cell) not in map(_key, same[name])]
        else:
            found[path.stem] = figures
    return found


def _key(cell: dict[str, Any]) -> tuple[Any, ...]:
    return cell.get("way"), cell["window"], cell["stride"]


def _without_cells(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in figures.items() if name not in (*MERGED, "rounds", "seconds", "processes")
    }


def _is_drawn(figures: dict[str, Any]) -> bool:
    """Whether there is enough to see: many ways, many lengths, many models."""
    match figures["benchmark"]:
        case "windows":
            return len({cell["way"] for cell in figures["cells"]}) > MANY and not figures["cold"]
        case "scale":
            return len(figures["sizes"]) > MANY
        case "train":
            return len({cell["case"]["hidden"] for cell in figures["cells"]}) > MANY
    return False


def _by_machine(files: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Results of one machine with as many threads, of logs as wide, together."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for figures in files:
        same = [figures["machine"], figures.get("threads"), figures["num_columns"]]
        groups.setdefault(json.dumps(same), []).append(figures)
    return list(groups.values())


def _scale(figures: dict[str, Any]) -> str:
    head = ["rows", "first batch", "own memory", "windows/s", "times the shortest"]
    rows = [
        [
            f"{size['num_rows']:,}",
            f"{spread(size['first_batch_seconds'])} s",
            f"{size['peak_megabytes']:.0f} MB",
            f"{size['windows_per_second']['median']:,.0f}",
            spread(size["ratio_to_first"]),
        ]
        for size in figures["sizes"]
    ]
    return "\n".join([SCALE.format(**figures), machine_line(figures), "", table(head, rows), ""])


def _disk(figures: dict[str, Any]) -> str:
    head = ["K", "read MB/s", "served MB/s", "served to read", "own memory"]
    rows = [
        [
            f"{row['window']}",
            f"{row['read_bytes_per_second']['median'] / 1e6:,.0f}",
            f"{row['served_bytes_per_second']['median'] / 1e6:,.0f}",
            spread(row["ratio"]),
            f"{row['peak_megabytes']:.0f} MB",
        ]
        for row in figures["windows"]
    ]
    first = figures["windows"][0]
    limit = f"{first['limit_megabytes']:,} MB" if first["limit_megabytes"] else "no limit"
    introduction = DISK.format(gigabytes=first["num_bytes"] / 1e9, limit=limit)
    return "\n".join([introduction, machine_line(figures), "", table(head, rows), ""])


def _packed(figures: dict[str, Any]) -> str:
    ways = ["packed", "copy", "decode", "cached", "mapped"]
    head = ["K", "stride", *ways, "of the slower", "of both", "cached to mapped"]
    rows = [
        [
            f"{cell['case']['window']:,}",
            f"{cell['case']['stride']:,}",
            *(f"{cell['bytes_per_second'][way]['median'] / 1e9:.1f}" for way in ways),
            spread(cell["packed_to_bound"]),
            spread(cell["packed_to_both"]),
            spread(cell["cached_to_mapped"]),
        ]
        for cell in figures["cells"]
    ]
    same = "one and the same" if len(set(figures["digests"].values())) == 1 else "**not the same**"
    digest = (
        f"The digest of an epoch is {same} from {', '.join(figures['digests'])}: {figures['digests']['mapped']}."
    )
    introduction = PACKED.format(batch=figures["cells"][0]["case"]["batch"], **figures)
    return "\n".join([introduction, machine_line(figures), "", table(head, rows), "", digest, ""])


def _objects(figures: dict[str, Any]) -> str:
    head = ["K", "epoch", "fetching", "decoding", "fetched MB/s", "epoch to fetching", "to both"]
    rows = [
        [
            f"{row['window']:,}",
            *(f"{row[way]['median']:.1f} s" for way in ("epoch", "fetch", "decode")),
            f"{row['megabytes_per_second']['median']:,.0f}",
            spread(row["to_fetch"]),
            spread(row["to_both"]),
        ]
        for row in figures["epochs"]
    ]
    link = (
        f"The link to it was limited to {figures['link']}."
        if figures["link"]
        else "Nothing limited the link to it."
    )
    introduction = OBJECTS.format(**(figures | {"link": link}))
    return "\n".join([introduction, machine_line(figures), "", table(head, rows), ""])


def _codecs(figures: dict[str, Any]) -> str:
    head = ["log", "codec", "times smaller", "decoded MB/s"]
    rows = [
        [
            trial["log"],
            f"`{trial['codec']}`",
            f"{trial['ratio']:.2f}",
            f"{trial['megabytes_per_second']['median']:,.0f}",
        ]
        for trial in figures["trials"]
    ]
    return "\n".join([CODECS, machine_line(figures), "", table(head, rows), ""])


def _device(figures: dict[str, Any]) -> str:
    serving = [
        [
            f"{row['case']['window']:,}",
            f"{row['case']['stride']:,}",
            row["way"],
            f"{row['windows_per_second']['median']:,.0f}",
            spread(row["ratio_to_resident"]),
            f"{row['bytes_per_window']:,.0f}",
        ]
        for row in figures["serving"]
    ]
    steps = [
        [row["model"], row["way"], f"{row['steps_per_second']['median']:,.0f}", spread(row["time_ratio"])]
        for row in figures["steps"]
    ]
    case = figures["steps"][0]["case"]
    tables = [
        table(["K", "stride", "batches", "windows/s", "of resident", "bytes to the device a window"], serving),
        "",
        STEPS.format(**case),
        table(["model", "fed", "steps/s", "times the step on one batch"], steps),
    ]
    return "\n".join([DEVICE.format(**figures, **case), machine_line(figures), "", *tables, ""])


def _train(figures: dict[str, Any]) -> str:
    head = ["model", "width", "K", "stride", "ms a step", "ms on one batch", "times that", "waited for data"]
    rows = [
        [
            cell["case"]["model"],
            f"{cell['case']['hidden']}",
            f"{cell['case']['window']:,}",
            f"{cell['case']['stride']:,}",
            f"{cell['loader_milliseconds']['median']:.2f}",
            f"{cell['resident_milliseconds']['median']:.2f}",
            spread(cell["time_ratio"], digits=3),
            f"{cell['wait_share']:.2%}",
        ]
        for cell in figures["cells"]
    ]
    where = f"{figures['threads']['torch']} threads" if figures["device"] == "cpu" else f"one {figures['device']}"
    introduction = TRAIN.format(where=where, batch=figures["cells"][0]["case"]["batch"], **figures)
    return "\n".join([introduction, machine_line(figures), "", table(head, rows), ""])


def _shuffle(figures: dict[str, Any]) -> str:
    head = ["pool rows", "overlapping pairs a batch", "batches without", "quartiles of distance", "from random"]
    rows = [
        [
            f"{row['pool_rows']:,}" if row["pool_rows"] else "true random",
            f"{row['pairs_per_batch']:.4f}",
            f"{row['free_share']:.2%}",
            ", ".join(f"{quartile:.3f}" for quartile in row["lag_quartiles"]),
            spread(row["lag_distance"]),
        ]
        for row in figures["orders"]
    ]
    return "\n".join([SHUFFLE.format(**figures), machine_line(figures), "", table(head, rows), ""])


def _ingest(files: Sequence[dict[str, Any]]) -> str:
    head = ["GB", "log", "", "runs", "MB/s", "rows/s", "of Polars", "peak MB"]
    cases = [(row["case"], row, figures["runs"]) for figures in files for row in figures["cases"]]
    cases.sort(key=lambda found: (found[0]["gigabytes"], found[0]["format"], found[0]["shuffled"]))
    rows = [
        [
            f"{case['gigabytes']:g}",
            f"{'shuffled' if case['shuffled'] else 'sorted'} {case['format']}",
            row["way"],
            f"{runs}",
            f"{row['megabytes_per_second']['median']:.0f}",
            f"{row['rows_per_second']['median']:,.0f}",
            spread(row["ratio_to_polars"]),
            f"{row['peak_megabytes']['median']:,.0f}",
        ]
        for case, row, runs in cases
    ]
    peers = {name: version for figures in files for name, version in figures.get("peers", {}).items()}
    line = machine_line(files[0] | {"peers": peers})
    return "\n".join([INGEST.format(**files[0]), line, "", table(head, rows), ""])
