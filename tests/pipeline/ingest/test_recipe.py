from pathlib import Path
from typing import Any

import pytest

from longstride import Recipe, RecipeError
from tests.helpers.errors import raises


def test_toml_has_the_names_of_the_flags_and_flags_override_it(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(
        'time = "Time"\ntime-format = "%d/%m/%Y"\nlabels = ["EVENT"]\nnull = ["NA", "-200"]\nmax-gap = "90s"\n'
    )
    assert Recipe.from_toml(file) == Recipe(
        time="Time", time_format="%d/%m/%Y", labels=("EVENT",), null=("NA", "-200"), max_gap="90s"
    )
    assert Recipe.from_toml(file, time="Stamp", null=("x",)).time == "Stamp"
    assert Recipe.from_toml(file, time="Stamp", null=("x",)).null == ("x",)


def test_what_is_stored_is_taken_back() -> None:
    recipe = Recipe(time="t", series="key", channels=("a", "b"), split_on_missing="1h", dtype="float64")
    assert Recipe.from_settings(recipe.as_json()) == recipe


@pytest.mark.parametrize(
    ("toml", "code", "facts"),
    [
        ('time = "t"\nmaxgap = "1s"', "recipe-setting", ("'maxgap'", "max-gap")),
        ('labels = ["a"]', "time-unnamed", ("--time",)),
        ('time = "t"\nnull = "NA"', "recipe-value", ("null", "'NA'")),
        ('time = "t"\nlabels = [1]', "recipe-value", ("labels", "[1]")),
        ('time = "t"\nmax-gap = 90', "recipe-value", ("max-gap", "90")),
        ('time = "t"\nmax-gap = "soon"', "recipe-value", ("'soon'",)),
        ('time = "t"\ndtype = "int8"', "recipe-value", ("dtype", "'int8'", "float32", "float64")),
        ('time = "t"\ntimezone = "Berlin"', "recipe-value", ("timezone", "'Berlin'")),
        ('time = "t"\ntimezone = "../UTC"', "recipe-value", ("timezone", "'../UTC'")),
        ('time = "t"\ntime-format = "ISO"', "recipe-value", ("time-format", "'ISO'")),
        ('time = "t"\nlabels = ["t"]', "recipe-conflict", ("'t'",)),
        ('time = "t"\nchannels = ["a"]\nexclude = ["b"]', "recipe-conflict", ("channels", "exclude")),
        ("time = t", "recipe-file", ()),
        ('time = "t"\nencoding = "utf-7"', "recipe-value", ("encoding", "'utf-7'")),
        ('time = "t"\nencoding = "klingon"', "recipe-value", ("encoding", "'klingon'", "utf-16")),
        ('time = "t"\nseparator = "0"', "recipe-value", ("separator", "'0'")),
        ('time = "t"\nseparator = " "', "recipe-value", ("separator", "blanks")),
        ('time = "t"\nseparator = "a\\nb"', "recipe-value", ("separator",)),
        ('time = "t"\nquote = "double"', "recipe-value", ("quote", "strict", "backslash")),
        ('time = "t"\ncomment = " "', "recipe-value", ("comment", "#")),
        ('time = "t"\nskip-lines = "few"', "recipe-value", ("skip-lines", "'few'")),
        ('time = "t"\nskip-lines = -1', "recipe-value", ("skip-lines", "'-1'")),
        ('time = "t"\nskip-below-header = 1\nheader = ["t"]', "recipe-conflict", ("skip-lines",)),
        ('time = "t"\ndecimal = ";"', "recipe-value", ("decimal", "';'", "., , or either")),
        ('time = "t"\ndecimal = [",", "a=x"]', "recipe-value", ("decimal", "'x'")),
        ('time = "t"\nthousands = ["."]', "recipe-conflict", ("decimal", "thousands")),
        ('time = "t"\ndecimal = "either"\nthousands = [","]', "recipe-conflict", ("decimal", "thousands")),
        ('time = "t"\nthousands = ["a=,", "a=blank"]', "recipe-conflict", ("thousands", "'a'")),
        ('time = "t"\nthousands = ["_"]', "recipe-value", ("thousands", "'_'", "blank")),
        ('time = "t"\nstrip = ["a=5"]', "recipe-value", ("strip", "'a=5'")),
        ('time = "t"\nscale = ["a=kW"]', "recipe-value", ("scale", "'a=kW'")),
        ('time = "t"\nscale = ["kW*1000"]', "recipe-value", ("scale", "'kW*1000'")),
        ('time = "t"\nscale = ["a=kW*-1"]', "recipe-value", ("scale", "'a=kW*-1'")),
        ('time = "t"\nscale = ["a=kW*nan"]', "recipe-value", ("scale", "'a=kW*nan'")),
        ('time = "t"\nscale = ["a=kW*1", "a=kW*2"]', "recipe-conflict", ("scale", "'kW'")),
        ('time = "t"\nscale = ["a=kW*1"]\nstrip = ["kW"]', "recipe-conflict", ("scale", "strip", "'kW'")),
        ('time = "t"\nnegative = ["4+"]', "recipe-value", ("negative", "'4+'", "4- or (4)")),
        ('time = "t"\nstates = ["OFF,ON"]', "recipe-value", ("states", "'OFF,ON'", "Pump=OFF,ON")),
        ('time = "t"\nstates = ["a=ON"]', "recipe-value", ("states", "'a=ON'")),
        ('time = "t"\nstates = ["a=On,ON"]', "recipe-value", ("states", "'a=On,ON'", "once")),
        ('time = "t"\nstates = ["a=x,y", "a=z,v"]', "recipe-conflict", ("states", "'a'")),
        ('time = "t"\nfill = "forward"', "recipe-conflict", ("fill", "fill-limit")),
        ('time = "t"\nfill = "spline"', "recipe-value", ("fill", "'spline'", "none, forward or linear")),
        (
            'time = "t"\naggregate = ["a=median"]',
            "recipe-value",
            ("aggregate", "'median'", "mean, min, max, last or count"),
        ),
        ('time = "t"\nmax-rejects = "many"', "recipe-value", ("max-rejects", "'many'")),
        ('time = "t"\nmax-rejects = "101%"', "recipe-value", ("max-rejects", "'101%'")),
        ('time = ["a", "b"]\ntime-format = "s"', "recipe-conflict", ("time-format s", "2")),
    ],
)
def test_errors_name_the_file_the_setting_and_the_way_out(
    tmp_path: Path, toml: str, code: str, facts: tuple[str, ...]
) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(toml)
    with raises(code, "plant.toml", *facts, kind=RecipeError):
        Recipe.from_toml(file)


@pytest.mark.parametrize(
    ("settings", "code", "facts"),
    [
        ({"unit": ("a",)}, "recipe-value", ("unit", "'a'", "pressure=bar")),
        ({"unit": ("=bar",)}, "recipe-value", ("unit",)),
        ({"unit": ("a=",)}, "recipe-value", ("unit", "'a'")),
        ({"unit": ("a=bar", "a=psi")}, "recipe-conflict", ("unit", "'a'", "'bar'", "'psi'")),
        ({"aggregate": ("mean", "max"), "every": "1s"}, "recipe-conflict", ("all channels",)),
        ({"aggregate": ("a=mean", "a=max"), "every": "1s"}, "recipe-conflict", ("'a'",)),
        ({"aggregate": ("max",)}, "recipe-conflict", ("aggregate", "every")),
        ({"counter_bits": "64"}, "recipe-conflict", ("counter-bits", "rate")),
    ],
)
def test_a_setting_that_would_do_nothing(settings: dict[str, Any], code: str, facts: tuple[str, ...]) -> None:
    recipe = Recipe(time="time", **settings)  # that of a store may hold it, and rows be appended
    with raises(code, *facts):
        recipe.refuse_idle()
    Recipe(time="time", unit=("a=bar", "b=psi", "a=bar"), every="1s", aggregate=("mean", "a=max")).refuse_idle()
