"""Two words for a state, in the languages of loggers."""

from collections.abc import Callable

import pytest

from longstride import Proposal
from longstride.pipeline.profile.spelling.states import query_of_states
from longstride.pipeline.profile.words.truth_words import TRUTH_WORDS
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, wave

PAIRS = [
    "aus an",
    "AUS EIN",
    "Nein Ja",
    "arrêt marche",
    "no sí",
    "fechado aberto",
    "nie tak",
    "av på",
    "выкл вкл",
    "关 开",
    "停止 運転",
    "정지 운전",
]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_first_is_0_and_the_second_1(
    look: Callable[..., Proposal], store: Callable[..., SeriesStore], pair: str
) -> None:
    zero, one = pair.split()
    states = [one if row % 7 < 3 else zero for row in range(80)]
    found = look("time,v,pump", times(80), wave(80), states)
    assert found.settings["states"] == [f"pump={zero},{one}"]
    assert doubted(found, f"{zero!r} is stored as 0, and {one!r} as 1")
    assert store().values[:, 1].tolist() == [float(text == one) for text in states]


def test_words_are_in_lower_case_and_each_pair_has_one_meaning() -> None:
    for words, pair in TRUTH_WORDS.items():
        assert set(pair) == words
        assert [word.lower() for word in pair] == list(pair)
        assert len(words) == 2


@pytest.mark.parametrize("words", [["on", "off"], ["off", "on"]])
def test_a_query_makes_0_of_the_word_for_no(words: list[str]) -> None:
    query = query_of_states('the "state"', words)
    assert '''CASE WHEN "the ""state""" = 'off' THEN 0 WHEN "the ""state""" = 'on' THEN 1 ELSE''' in query
