"""What columns of times and of their parts are called in the languages of loggers."""

import unicodedata
from collections.abc import Callable

import pytest

from longstride import Proposal
from longstride.pipeline.profile.words.time_names import elapsed_unit, name_score, names_unit
from tests.helpers.logs.small_logs import doubted, times, wave

LOOK = Callable[..., Proposal]
OF_TIME = [
    *["čas", "cas", "tid", "aika", "idő", "zaman", "waktu", "laiks", "laikas", "aeg", "timp", "vrijeme", "vreme"],
    *["время", "χρόνος", "时间", "時間", "시간", "เวลา", "thời_gian", "زمان"],
]
OF_DATES = [
    *["Datum", "Dátum", "datums", "kuupäev", "päivämäärä", "tarih", "tanggal", "ngày"],
    *["Ημερομηνία", "дата", "日付", "날짜", "วันที่", "दिनांक", "תאריך"],
]


@pytest.mark.parametrize("name", OF_TIME)
def test_words_for_time(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert name_score(unicodedata.normalize(form, name)) == 3
    assert elapsed_unit(name) == "s"
    assert names_unit(f"{name} [ms]") == "ms"


@pytest.mark.parametrize("name", OF_DATES)
def test_words_for_dates(name: str) -> None:
    assert name_score(name) == 3
    assert elapsed_unit(name) is None


@pytest.mark.parametrize("name", ["temps", "timer", "sat", "mass", "jam", "percent", "T2", "tide", "an1"])
def test_other_words(name: str) -> None:
    assert name_score(name) < 3
    assert names_unit(name) is None


@pytest.mark.parametrize(
    "names",
    [
        ["年度", "月份", "日期"],
        ["rok", "měsíc", "den", "hodina"],
        ["år", "måned", "dag"],
        ["vuosi", "kuukausi", "päivä", "tunti"],
        ["év", "hónap", "nap", "óra"],
        ["yıl", "ay", "gün", "saat"],  # noqa: RUF001
        ["год", "месяц", "день", "час"],
        ["рік", "місяць", "день", "година"],
        ["tahun", "bulan", "hari"],
        ["년", "월", "일", "시"],
        ["năm", "tháng", "ngày", "giờ"],
    ],
)
def test_parts_of_the_time(look: LOOK, names: list[str]) -> None:
    step = 3600 if len(names) == 4 else 86_400
    parts = [text.split("-") for text in times(60, step=step, form="%Y-%m-%d-%H")]
    found = look(",".join([*names, "v"]), *zip(*(part[: len(names)] for part in parts), strict=True), wave(60))
    assert found.settings["time"] == names
    assert not doubted(found, "may be a time")


@pytest.mark.parametrize(("name", "is_doubted"), [("listopad", True), ("studeni", False), ("lis", True)])
def test_months_that_are_others_in_croatian(look: LOOK, name: str, is_doubted: bool) -> None:
    found = look("datum,v", [f"{day}. {name} 2022" for day in range(1, 29)], wave(28))
    assert doubted(found, "in Croatian") is is_doubted
