"""Folders of series: readable, and never the same for two."""

from hypothesis import given
from hypothesis import strategies as st

from longstride.trainer.saved.series_index import OWN_FOLDER, folders_for

NAMES = st.lists(st.text(max_size=60) | st.sampled_from(["a/b", "../x", ".", "..", "A", "a", "a b"]), unique=True)


@given(NAMES, NAMES)
def test_each_name_has_a_folder_of_its_own_and_keeps_it(names: list[str], more: list[str]) -> None:
    first = folders_for(names, {})
    second = folders_for([*more, *names], first)
    assert all(OWN_FOLDER.fullmatch(folder) for folder in second.values())
    assert len({folder.lower() for folder in second.values()}) == len({*names, *more})
    assert {name: second[name] for name in names} == first


def test_a_folder_says_which_series_it_is_of() -> None:
    assert folders_for(["north/pump 7"], {}) == {"north/pump 7": "series/000000-north-pump-7"}
    assert folders_for([""], {}) == {"": "series/000000"}
