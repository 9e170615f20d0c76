import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import Recipe, RecipeError
from pipeline.ingest.stamps import to_nanoseconds, why_unreadable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 30))


def read(values: list[object], **settings: str) -> list[int | None]:
    return to_nanoseconds(pl.Series("t", values), Recipe(time="t", **settings)).to_list()


def nanoseconds(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def exact(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def test_every_shape_of_iso_8601_in_one_column() -> None:
    texts = {
        "2016-08-03 09:49:00": "2016-08-03T09:49",
        "2016-08-03T09:49:00": "2016-08-03T09:49",
        "2016-08-03": "2016-08-03T00:00",
        "2016-08-03 09:49": "2016-08-03T09:49",
        "2016-08-03T09:49:00Z": "2016-08-03T09:49",
        "2016-08-03T09:49:00+02:00": "2016-08-03T07:49",
        "2016-08-03T09:49:00-0330": "2016-08-03T13:19",
        "2016-08-03 09:49:00 +02": "2016-08-03T07:49",
        "2016-08-03 09:49:00 UTC": "2016-08-03T09:49",
        "2016-08-03 09:49:00.5": "2016-08-03T09:49:00.5",
        "2016-08-03T09:49:00.123456789Z": "2016-08-03T09:49:00.123456789",
        " 2016-08-03 09:49:01 ": "2016-08-03T09:49:01",
        "1678-01-01 00:00:00": "1678-01-01",
        "2261-12-31 23:59:59": "2261-12-31T23:59:59",
    }
    assert read(list(texts)) == [nanoseconds(text) for text in texts.values()]


@given(
    st.lists(st.tuples(TIMES, st.sampled_from(["auto", "seconds", "minutes"]), st.integers(-14, 14)), min_size=1)
)
def test_iso_8601_agrees_with_datetime(stamps: list[tuple[datetime, str, int]]) -> None:
    texts, expected = [], []
    for time, spec, hours in stamps:
        whole = {"auto": time, "seconds": time.replace(microsecond=0)}.get(
            spec, time.replace(second=0, microsecond=0)
        )
        aware = whole.replace(tzinfo=timezone(timedelta(hours=hours)))
        texts.append(aware.isoformat(timespec=spec))
        expected.append(exact(aware))
    assert read(texts) == expected


@given(
    st.lists(st.datetimes(datetime(1975, 1, 1), datetime(2037, 1, 1)), min_size=1),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_local_times_agree_with_zoneinfo(times: list[datetime], zone: str) -> None:
    for time, found in zip(times, read([time.isoformat(" ") for time in times], timezone=zone), strict=True):
        first, second = (time.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
        # An hour that occurs twice, or never, has two offsets.
        once = first.utcoffset() == second.utcoffset()
        assert found == (exact(first) if once else None)


@pytest.mark.parametrize("text", ["2020-10-25 02:30:00", "2020-03-29 02:30:00"])
def test_hours_that_a_clock_change_doubles_or_skips_are_unreadable(text: str) -> None:
    assert read(["2020-01-01 00:00:00", text], timezone="Europe/Berlin")[1] is None
    assert "occurs twice or never in Europe/Berlin" in why_unreadable(
        text, Recipe(time="t", timezone="Europe/Berlin")
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2016-02-30 00:00:00",
        "1500-01-01 00:00:00",
        "2300-01-01 00:00:00",
        "1478591700",
        "+2016-01-01",
    ],
)
def test_what_is_no_iso_8601_is_unreadable(text: str) -> None:
    good = "2016-01-01 00:00:00"
    assert read([good, text, good]) == [nanoseconds(good), None, nanoseconds(good)]
    assert read([text]) == [None]


def test_formats() -> None:
    assert read(["03/08/2016 09.49.00"], time_format="%d/%m/%Y %H.%M.%S") == [nanoseconds("2016-08-03T09:49")]
    fraction = read(["03/08/2016 09:49:00.123456789"], time_format="%d/%m/%Y %H:%M:%S%.f")
    assert fraction == [nanoseconds("2016-08-03T09:49:00.123456789")]
    assert read(["3 Aug 2016 09:49 +0200"], time_format="%d %b %Y %H:%M %z") == [nanoseconds("2016-08-03T07:49")]
    assert read(["03/08/1500", "03/08/16"], time_format="%d/%m/%Y") == [None, None]


@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=1),
    st.sampled_from([("s", 9), ("ms", 6), ("us", 3), ("ns", 0)]),
)
def test_epoch_numbers_are_exact(times: list[int], unit: tuple[str, int]) -> None:
    name, decimals = unit
    texts = []
    for time in times:
        whole, rest = divmod(abs(time), 10**decimals)
        fraction = f".{rest:0{decimals}d}" if decimals else ""
        texts.append(f"{'-' if time < 0 else ''}{whole}{fraction}")
    assert read(texts, time_format=name) == times


def test_epoch_columns_of_parquet() -> None:
    assert read([1478591700, 0], time_format="s") == [1478591700 * 10**9, 0]
    assert read([2**62], time_format="s") == [None]
    with pytest.raises(RecipeError, match="give its unit with --time-format"):
        read([1478591700])
    with pytest.raises(RecipeError, match="holds Float64: expected a time"):
        read([1.5], time_format="s")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetime_columns_of_parquet(unit: str) -> None:
    naive = pl.Series("t", [datetime(2016, 8, 3, 9, 49)], dtype=pl.Datetime(unit))
    assert to_nanoseconds(naive, Recipe(time="t")).to_list() == [nanoseconds("2016-08-03T09:49")]
    berlin = Recipe(time="t", timezone="Europe/Berlin")
    assert to_nanoseconds(naive, berlin).to_list() == [nanoseconds("2016-08-03T07:49")]
    aware = naive.dt.replace_time_zone("America/New_York")
    assert to_nanoseconds(aware, berlin).to_list() == [nanoseconds("2016-08-03T13:49")]


def test_dates_of_parquet_and_dates_out_of_reach() -> None:
    dates = pl.Series("t", [datetime(2016, 8, 3).date(), datetime(1500, 1, 1).date()])
    assert to_nanoseconds(dates, Recipe(time="t")).to_list() == [nanoseconds("2016-08-03"), None]


@pytest.mark.parametrize(
    ("value", "settings", "reason"),
    [
        (None, {}, "the time is missing"),
        ("noon", {}, "'noon' is no time of ISO 8601.*--time-format"),
        ("noon", {"time_format": "ms"}, "'noon' is no time in ms since 1970.*another --time-format"),
        ("noon", {"time_format": "%H"}, "'noon' is no time of the format %H"),
    ],
)
def test_reasons_name_the_value_and_the_way_out(value: object, settings: dict[str, str], reason: str) -> None:
    assert re.match(reason, why_unreadable(value, Recipe(time="t", **settings)))
