from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe
from longstride.pipeline.ingest.times.stamps import explain, to_nanoseconds
from tests.helpers.errors import raises

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 30))


def read(values: list[object] | pl.Series, **settings: str) -> list[int | None]:
    return to_nanoseconds([pl.Series("t", values)], Recipe(time="t", **settings)).nanoseconds.to_list()


def read_many(*columns: list[object] | pl.Series, **settings: str) -> list[int | None]:
    names = tuple("abcdefg"[: len(columns)])
    series = [pl.Series(name, values) for name, values in zip(names, columns, strict=True)]
    return to_nanoseconds(series, Recipe(time=names, **settings)).nanoseconds.to_list()


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


def test_what_cannot_be_read_hides_no_other_shape() -> None:
    texts = {
        "[UTC]": None,
        "2016-02-30 00:00:00": None,
        "2016-01-01T00:00:00": "2016-01-01",
        "n/a": None,
        "2016-01-02": "2016-01-02",
        " 2016-01-03T00:00:00 ": "2016-01-03",
        "2016-02-30 00:00:00 ": None,
        "2016-01-04 ": "2016-01-04",
    }
    assert read(list(texts)) == [text and nanoseconds(text) for text in texts.values()]


def test_times_with_and_without_a_zone_in_one_column() -> None:
    texts = {
        "2020-07-01 02:00:00": "2020-07-01T00:00",
        "2020-10-25 02:30:00": "2020-10-25T00:30",
        "2020-07-01 02:00:00.5": "2020-07-01T00:00:00.5",
        "2020-10-25 02:30:00+01:00": "2020-10-25T01:30",
        "2020-10-25T02:30:00 UTC": "2020-10-25T02:30",
    }
    stamps = to_nanoseconds(
        [pl.Series(list(texts))], Recipe(time="t", timezone="Europe/Berlin", ambiguous="earliest")
    )
    assert stamps.nanoseconds.to_list() == [nanoseconds(text) for text in texts.values()]
    assert (stamps.num_ambiguous, stamps.num_nonexistent) == (1, 0)


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
    wrapped = read(["1500-01-01 00:00:00.5", "2300-01-01 00:00:00.5"], time_format="%Y-%m-%d %H:%M:%S%.f")
    assert wrapped == [None, None]
    assert read([20160803], time_format="%Y%m%d") == [nanoseconds("2016-08-03")]


@pytest.mark.parametrize(
    ("text", "format_", "expected"),
    [
        ("03/08/2016", "%d/%m/%Y", "2016-08-03"),
        ("03/08/2016 09", "%d/%m/%Y %H", "2016-08-03T09:00"),
        ("03/08/2016 9 pm", "%d/%m/%Y %I %p", "2016-08-03T21:00"),
        ("03/08/2016 09 +0200", "%d/%m/%Y %H %z", "2016-08-03T07:00"),
        ("03/08/2016 09 UTC", "%d/%m/%Y %H UTC", "2016-08-03T09:00"),
        ("03/08/2016 100% 09", "%d/%m/%Y 100%% %H", "2016-08-03T09:00"),
    ],
)
def test_formats_without_minute(text: str, format_: str, expected: str) -> None:
    assert read([text, text], time_format=format_) == [nanoseconds(expected)] * 2


@pytest.mark.parametrize("format_", ["%d/%m/%Y %H:%S", "%d/%m/%Y %I"])
def test_formats_that_mean_no_time(format_: str) -> None:
    with raises("recipe-value", format_):
        read(["03/08/2016 09:00"], time_format=format_)


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
    with raises("column-type", "Int64", "--time-format"):
        read([1478591700])
    with raises("column-type", "Float64", "--time-format"):
        read([1.5])


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([1478591700.25, -0.5, None, 0.0], "s", [1478591700_250_000_000, -500_000_000, None, 0]),
        ([1700000000.123456], "s", [1700000000_123_456_000]),
        ([1478591700000.125], "ms", [1478591700000_125_000]),
        ([1478591700000000.0], "us", [1478591700000000_000]),
        ([1.4785917e18, 1e-7, 1e15], "ns", [1478591700000000000, 0, 10**15]),
        ([1e30, 1e300, float("nan"), float("inf")], "s", [None] * 4),
        (pl.Series([1.1, 0.5], dtype=pl.Float32), "s", [1_100_000_000, 500_000_000]),
        (["1.7e+09", "1.7E9", "-1.5e0", "1e", "e9", "1e999"], "s", [17 * 10**17] * 2 + [-15 * 10**8] + [None] * 3),
    ],
)
def test_epoch_columns_of_floats_are_exact_to_the_digits_written(
    values: list[object] | pl.Series, unit: str, expected: list[int | None]
) -> None:
    assert read(values, time_format=unit) == expected


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetime_columns_of_parquet(unit: str) -> None:
    naive = pl.Series("t", [datetime(2016, 8, 3, 9, 49)], dtype=pl.Datetime(unit))
    assert read(naive) == [nanoseconds("2016-08-03T09:49")]
    assert read(naive, timezone="Europe/Berlin") == [nanoseconds("2016-08-03T07:49")]
    aware = naive.dt.replace_time_zone("America/New_York")
    assert read(aware, timezone="Europe/Berlin") == [nanoseconds("2016-08-03T13:49")]


def test_dates_of_parquet_and_dates_out_of_reach() -> None:
    assert read([date(2016, 8, 3), date(1500, 1, 1)]) == [nanoseconds("2016-08-03"), None]


@pytest.mark.parametrize("dtype", [pl.Null, pl.String, pl.Int64, pl.Float64])
def test_columns_of_nothing(dtype: pl.DataType) -> None:
    stamps = to_nanoseconds([pl.Series("t", [None, None], dtype)], Recipe(time="t"))
    assert stamps.nanoseconds.to_list() == [None, None]
    assert (stamps.nanoseconds.dtype, stamps.nanoseconds.name) == (pl.Int64, "time")
    for columns in (2, 3):
        assert read_many(*[pl.Series([None, None], dtype=pl.Null)] * columns) == [None, None]


def test_date_and_time_of_day() -> None:
    dates = [
        "2016-08-03",
        " 2016-08-03 ",
        "2016-8-3",
        "2016-08-03",
        "2016-08-03",
        None,
        "2016-02-30",
        "1500-01-01",
    ]
    times = ["09:49", "9:49:01 ", "09:49:00.5", "", None, "09:49", "09:49", "09:49"]
    found = ["2016-08-03T09:49", "2016-08-03T09:49:01", "2016-08-03T09:49:00.5"]
    assert read_many(dates, times) == [*map(nanoseconds, found), *[None] * 5]
    assert read_many(["2016-08-03"], ["24:00"]) == [nanoseconds("2016-08-04T00:00")]


@given(st.lists(TIMES | st.none(), min_size=1))
def test_date_and_time_of_day_of_parquet(times: list[datetime | None]) -> None:
    dates = pl.Series([time and time.date() for time in times], dtype=pl.Date)
    clock = pl.Series([time and time.time() for time in times], dtype=pl.Time)
    assert read_many(dates, clock) == [time and exact(time.replace(tzinfo=UTC)) for time in times]


def test_format_of_several_columns() -> None:
    found = read_many(["03/08/2016", " 03/08/2016"], ["09.49.00 ", ""], time_format="%d/%m/%Y %H.%M.%S")
    assert found == [nanoseconds("2016-08-03T09:49"), None]
    assert read_many([2016, 2016, None], ["Aug", "Hay", "Aug"], [3, 3, 3], time_format="%Y %b %d") == [
        nanoseconds("2016-08-03"),
        None,
        None,
    ]
    assert read_many(["2016"], [8], [3], [9], time_format="%Y %m %d %H") == [nanoseconds("2016-08-03T09:00")]
    assert read_many([date(2016, 8, 3)], [9], time_format="%Y-%m-%d %H") == [nanoseconds("2016-08-03T09:00")]


HOW_WRITTEN = [int, float, str, "{:02d}".format, " {} ".format, "{}.0".format]


@given(
    st.integers(3, 7).flatmap(
        lambda num: st.lists(
            st.tuples(
                st.integers(1676, 2263) | st.just(16),
                st.integers(-1, 14),
                st.integers(-1, 33),
                st.integers(-1, 25),
                st.integers(-1, 61),
                st.integers(-1, 61),
                st.integers(-1, 1_000_001) | st.sampled_from([5_000_000, 2**40]),
            ).map(lambda row: row[:num]),
            min_size=1,
        )
    ),
    st.lists(st.sampled_from(HOW_WRITTEN), min_size=7, max_size=7),
)
def test_numbers_of_year_month_day_agree_with_datetime(rows: list[tuple[int, ...]], written: list[Any]) -> None:
    expected = []
    for row in rows:
        try:
            time = datetime(*row, tzinfo=UTC)
        except (ValueError, OverflowError):
            time = None
        expected.append(exact(time) if time and 1678 <= time.year <= 2261 else None)
    columns = zip(*rows, strict=True)
    assert read_many(*([how(part) for part in column] for column, how in zip(columns, written, strict=False))) == (
        expected
    )


@pytest.mark.parametrize("part", ["", " ", None, "x", "3.5", "nan", "inf", "1e300", "257"])
def test_a_part_that_is_no_number_of_its_range(part: str | None) -> None:
    for column in range(5):
        values = ["2016", "8", "3", "9", "49"]
        columns = [[value, part if at == column else value] for at, value in enumerate(values)]
        assert read_many(*columns) == [nanoseconds("2016-08-03T09:49"), None]


def test_several_columns_are_local_times() -> None:
    columns = [pl.Series(name, [value]) for name, value in zip("abcde", (2020, 10, 25, 2, 30), strict=True)]
    recipe = Recipe(time=tuple("abcde"), timezone="Europe/Berlin", ambiguous="latest")
    stamps = to_nanoseconds(columns, recipe)
    assert (stamps.nanoseconds.item(), stamps.num_ambiguous) == (nanoseconds("2020-10-25T01:30"), 1)


def test_columns_that_mean_no_time() -> None:
    with raises("column-type", "'b'", "Float64"):
        read_many(["2016-08-03"], [9.5])
    with raises("column-type", "'c'", "Date", "--time-format"):
        read_many([2016], [8], [date(2016, 8, 3)])


@pytest.mark.parametrize(
    ("values", "settings", "reason", "facts"),
    [
        ([None], {}, "time missing", ()),
        ([" "], {}, "time missing", ()),
        (["2016-08-03", ""], {}, "time missing", ()),
        (["noon"], {}, "no time", ("'noon'", "ISO 8601", "--time-format", "seconds")),
        (["noon"], {"time_format": "ms"}, "no time", ("'noon'", "ms since 1970", "--time-format")),
        (["2031-05-17 08:00 CST"], {}, "no time", ("'2031-05-17 08:00 CST'", "'CST'", "--timezone")),
        (["noon"], {"time_format": "%d %H"}, "no time", ("'noon'", "%d %H")),
        (["2016-08-03", "noon"], {}, "no time", ("'2016-08-03 noon'", "ISO 8601")),
        ([2016, 4, 31], {}, "no time", ("'2016 4 31'", "year, month, day", "--time-format")),
        (["noon"], {"timezone": "Europe/Berlin", "ambiguous": "latest"}, "no time", ("'noon'",)),
        (
            ["2020-10-25 02:30:00"],
            {"timezone": "Europe/Berlin"},
            "ambiguous local time",
            ("'2020-10-25 02:30:00'", "Europe/Berlin", "--ambiguous"),
        ),
        (
            ["2020-03-29 02:30:00"],
            {"timezone": "Europe/Berlin"},
            "nonexistent local time",
            ("'2020-03-29 02:30:00'", "Europe/Berlin", "--nonexistent forward"),
        ),
        (
            [2020, 3, 29, 2],
            {"timezone": "Europe/Berlin", "ambiguous": "earliest"},
            "nonexistent local time",
            ("'2020 3 29 2'",),
        ),
        (
            [datetime(2020, 10, 25, 2)],
            {"timezone": "Europe/Berlin", "nonexistent": "forward"},
            "ambiguous local time",
            ("'2020-10-25 02:00:00'",),
        ),
    ],
)
def test_reasons_name_the_value_and_the_way_out(
    values: list[object], settings: dict[str, str], reason: str, facts: tuple[str, ...]
) -> None:
    recipe = Recipe(time=tuple("abcdefg"[: len(values)]), **settings)
    columns = [pl.Series([value]) for value in values]
    assert to_nanoseconds(columns, recipe).nanoseconds.to_list() == [None]
    found, detail = explain(columns, recipe)(0)
    assert found == reason
    assert all(fact in detail for fact in facts)


def test_clocks_without_a_date() -> None:
    texts: list[object] = [
        "0:00:10",
        "27:15:30.25",
        " 08:30 ",
        "8:30:01,5",
        "8:60",
        "1:2:3:4",
        "8",
        "-1:00",
        "",
        None,
    ]
    found = read(texts, time_format="h:m:s", start="2024-03-01")
    begin = nanoseconds("2024-03-01")
    seconds = [10, 27 * 3600 + 15 * 60 + 30.25, 8.5 * 3600, 8.5 * 3600 + 1.5]
    assert found == [begin + int(second * 10**9) for second in seconds] + [None] * 6
    assert read(["0:01"], time_format="h:m:s") == [60 * 10**9]
    assert read(["900000:00", "1:00"], time_format="h:m:s", start="2261-01-01")[0] is None


@pytest.mark.parametrize(
    "settings",
    [
        {"time": ("a", "b")},
        {"time": "a", "date_from": "(?P<day>[0-9]{8})"},
        {"time": "a", "melt": "%H:%M"},
    ],
)
def test_a_clock_stands_in_one_column(settings: dict[str, Any]) -> None:
    with raises("recipe-conflict"):
        Recipe(time_format="h:m:s", **settings)
