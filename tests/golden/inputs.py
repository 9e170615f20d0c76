"""The logs that everything frozen is made of: the same bytes on every machine, from whole numbers alone."""

from pathlib import Path
from random import Random

import numpy as np

__all__ = ["GRID_RECIPE", "RECIPE", "write_grid_log", "write_logs"]

START = np.datetime64("2024-03-01T00:00:00", "s")
SECOND = np.timedelta64(1, "s")
STEPS = 4000
NEWER_STEPS = 1500
PUMPS = ("p0", "p1", "größe")
HEADER = "time,pump,pressure,flow,level,energy,fault,remark"
DAMAGED = (
    "{time},p1,1,2",
    "{time},p1,broken,2,3,4,0,",
    "yesterday,p1,1,2,3,4,0,",
    "{time},p1,1,2,3,4,maybe,",
    '{time},p1,1,2" x,3,4,0,',
    "{time},p1,1,2,3,4,0,a,b",
    "",
    HEADER,
)
RECIPE = {
    "time": "time",
    "series": "pump",
    "labels": ("fault",),
    "exclude": ("remark",),
    "unit": ("pressure=bar", "flow=m3/h"),
    "null": ("NA", "level=-999"),
    "max_rejects": "1%",
    "duplicates": "last",
    "rate": ("energy",),
    "counter_bits": "16",
    "fill": "linear",
    "fill_limit": "5m",
    "split_on_missing": "30m",
}
GRID_RECIPE = {
    "time": ("day", "clock"),
    "time_format": "%d.%m.%Y %H:%M:%S",
    "timezone": "Europe/Berlin",
    "ambiguous": "earliest",
    "pivot": "sensor",
    "separator": ";",
    "decimal": ",",
    "encoding": "latin-1",
    "duplicates": "mean",
    "every": "5m",
    "aggregate": ("mean", "s1=max", "s2=count"),
    "fill": "forward",
    "fill_limit": "10m",
    "max_gap": "30m",
    "dtype": "float64",
}


def write_logs(folder: Path) -> list[Path]:
    """Three logs of three pumps, a row of each a minute; the last one is newer than both others.

    They have rows out of order and repeated, gaps, missing values, counters that wrap around and begin again, and
    damaged lines.
    """
    folder.mkdir()
    random = Random(17)
    lines = [line for step in range(STEPS + NEWER_STEPS) for line in _lines_of_step(step, random)]
    cut = next(index for index, line in enumerate(lines) if line.startswith(_time(STEPS)))
    older = lines[:cut]
    for _ in range(300):  # neighbours change places, and some go to the other file
        at = int(random.random() * (len(older) - 9))
        older[at], older[at + 8] = older[at + 8], older[at]
    for _ in range(60):  # the same row again, with another value
        at = int(random.random() * len(older))
        fields = older[at].split(",")
        older.insert(at + 1, ",".join([*fields[:2], "7.25", *fields[3:]]))
    files = {"a.csv": older[: cut // 2], "b.csv": older[cut // 2 :], "c.csv": lines[cut:]}
    for name, rows in files.items():
        for bad in DAMAGED * 2:
            at = int(random.random() * len(rows))
            rows.insert(at, bad.replace("{time}", _time(at)))
        (folder / name).write_bytes("\n".join([HEADER, *rows, ""]).encode())
    return [folder / name for name in files]


def write_grid_log(path: Path, *, day: int) -> Path:
    """Two days of local times from `day` on, which begin with the end of summer; each row is of one sensor."""
    random = Random(18 + day)
    start = np.datetime64("2024-10-26T22:00:00", "s") + 86_400 * day * SECOND
    lines = ["day;clock;sensor;value"]
    second = 0
    while second < 2 * 86_400 - 80:
        second += 20 + int(60 * random.random())
        for stop, length in ((55_000, 5000), (90_000, 1500)):
            if stop - length < second < stop:
                second = stop
        hours_ahead = 2 if start + second * SECOND < np.datetime64("2024-10-27T01:00:00", "s") else 1
        date, clock = str(start + (second + 3600 * hours_ahead) * SECOND).split("T")
        shown = ".".join(reversed(date.split("-")))
        value = "" if random.random() < 0.1 else f"{_wave(second, 7000, random) / 1000:.3f}".replace(".", ",")
        lines.append(f"{shown};{clock};s{int(3 * random.random())};{value}")
        if random.random() < 0.01:
            lines.append(lines[-1])
    path.write_bytes("\n".join([*lines, ""]).encode("latin-1"))
    return path


def _lines_of_step(step: int, random: Random) -> list[str]:
    lines = []
    for number, pump in enumerate(PUMPS):
        numbers = [_wave(step * (number + 1), period, random) for period in (23, 41, 67)]
        texts = [f"{value / 1000:.3f}" for value in numbers]
        counter = (step * 97 + number * 10_000) % 65_536 if step < 3000 else (step - 3000) * 5
        missing = [random.random() < 0.03 or 700 < step % 1000 < 700 + 12 * number for _ in range(3)]
        texts = [
            ("", "NA", "-999")[place] if is_missing else texts[place] for place, is_missing in enumerate(missing)
        ]
        texts.append("" if random.random() < 0.02 else str(counter))
        if number == 2 and 1500 <= step < 1560:
            texts = [""] * 4
        is_gap = 900 <= step < 940 or (number == 1 and 2000 <= step < 2300)
        fault = int(number == 0 and 1200 <= step < 1230)
        if not is_gap:
            lines.append(f'{_time(step)},{pump},{",".join(texts)},{fault},"seen, {step}"')
    return lines


def _time(step: int) -> str:
    return str(START + 60 * step * SECOND)


def _wave(step: int, period: int, random: Random) -> int:
    """A triangle of thousandths with some noise."""
    return 90_000 + abs(step * 20_000 // period % 20_000 - 10_000) + int(600 * random.random())
