"""Lines above the rows that hold names, and lines that only look so."""

from pathlib import Path

import pytest

from longstride import Proposal
from tests.helpers.logs.small_logs import doubted, propose, times, wave


def seen(tmp_path: Path, head: str, mark: str, *, every: str | None = None, width: int = 3) -> Proposal:
    """What is found of rows below a head: a time (unless they are counted), and waves."""
    columns = [wave(40, seed=seed) for seed in range(width - (every is None))]
    if every is None:
        columns = [times(40), *columns]
    path = tmp_path / "log.txt"
    path.write_text(head + "".join(f"{mark.join(row)}\n" for row in zip(*columns, strict=True)))
    return propose(path)


def header(found: Proposal) -> tuple[str, ...]:
    return tuple(found.settings.get("header", ()))


@pytest.mark.parametrize("key", ["Name:", "Labels:", "Channel names:", "Signals ="])
def test_names_behind_the_key_that_says_so(tmp_path: Path, key: str) -> None:
    head = f"Serial:,a1,a1\n{key},Acceleration,Light\n\nGroup:,0,1\nBinning mode:,Sum,Average\nBits:,8,8\n\n"
    assert header(seen(tmp_path, head, ",")) == ("Time", "Acceleration", "Light")


def test_names_behind_a_key_in_a_comment(tmp_path: Path) -> None:
    head = "# Sampling Rate (Hz):= 100.00\n# Resolution:= 12\n# Labels:= x\ty\tz\n"
    found = seen(tmp_path, head, "\t", every="100hz")
    assert (header(found), found.settings["every"]) == (("x", "y", "z"), "100hz")


def test_a_single_name_behind_a_key_in_a_comment(tmp_path: Path) -> None:
    found = seen(tmp_path, "# Rate (Hz):= 50\n# Labels:= ECG\n", ",", every="50hz", width=1)
    assert header(found) == ("ECG",)


def test_names_that_all_end_with_a_colon_are_names(tmp_path: Path) -> None:
    found = seen(tmp_path, "Sensor:,Temperature:,Humidity:\n", ",")
    assert (found.settings["time"], header(found)) == ("Sensor:", ())


def test_names_at_the_end_of_which_stands_a_mark(tmp_path: Path) -> None:
    head = (
        " Interval   filtered 1-minute (00:15-01:45)  |\n # of a station |\nDATE       TIME     BOUH  BOUD   |\n"
    )
    found = seen(tmp_path, head, "  ")
    assert header(found) == ("DATE", "TIME", "BOUH", "BOUD")


def test_a_line_that_tells_when_the_log_began_holds_no_names(tmp_path: Path) -> None:
    found = seen(tmp_path, "TIMESERIES OF A STATION, 635 samples, began 2008-01-15T00:00:00\n", ",")
    assert header(found) == ("a1", "a2", "a3")
    assert doubted(found, "names are invented")


def test_a_comment_that_tells_colours_holds_no_names(tmp_path: Path) -> None:
    head = "## Axis\t3\tSound Velocity(m/sec)\t$00404080\tFALSE\n## Recorder\t1\tDST CTD\t11412\n"
    assert header(seen(tmp_path, head, "\t", width=5)) == ("a1", "a2", "a3", "a4", "a5")
