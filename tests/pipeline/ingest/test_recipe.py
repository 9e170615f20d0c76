from pathlib import Path

import pytest

from longstride import Recipe, RecipeError


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
    ("toml", "message"),
    [
        ('time = "t"\nmaxgap = "1s"', "unknown setting 'maxgap'.*max-gap"),
        ('labels = ["a"]', "which column holds the time"),
        ('time = "t"\nnull = "NA"', r"null is 'NA': expected a list of texts"),
        ('time = "t"\nlabels = [1]', r"labels is \[1\]: expected a list of texts"),
        ('time = "t"\nmax-gap = 90', "max-gap is 90: expected a text in quotes"),
        ('time = "t"\nmax-gap = "soon"', "'soon' is no duration"),
        ('time = "t"\ndtype = "int8"', "dtype is 'int8': expected float32 or float64"),
        ('time = "t"\ntimezone = "Berlin"', "timezone 'Berlin' is not known"),
        ('time = "t"\ntimezone = "../UTC"', "timezone '../UTC' is not known"),
        ('time = "t"\ntime-format = "ISO"', "time-format is 'ISO': expected s, ms, us or ns, or a format"),
        ('time = "t"\nlabels = ["t"]', "a column has one use: 't'"),
        ('time = "t"\nchannels = ["a"]\nexclude = ["b"]', "contradict each other"),
        ("time = t", "is no TOML file"),
        ('time = "t"\nencoding = "gbk"', "encoding is 'gbk': expected utf-8 or one with a byte a character"),
        ('time = "t"\nencoding = "utf-16"', "encoding is 'utf-16': .*iconv"),
        ('time = "t"\nseparator = "::"', "separator is '::': expected one character"),
        ('time = "t"\ndecimal = ","', "separator and decimal mark are both a comma"),
        ('time = "t"\nfill = "forward"', "fill and fill-limit go together"),
        ('time = "t"\nfill = "spline"', "fill is 'spline': expected none, forward or linear"),
        ('time = "t"\naggregate = ["a=median"]', "aggregate is 'median': expected mean, min, max, last or count"),
        ('time = "t"\nmax-rejects = "many"', "max-rejects is 'many': expected a number such as 100"),
        ('time = "t"\nmax-rejects = "101%"', "max-rejects is '101%'"),
        ('time = ["a", "b"]\ntime-format = "s"', "time-format s is for one column, time names 2"),
    ],
)
def test_errors_name_the_file_the_setting_and_the_way_out(tmp_path: Path, toml: str, message: str) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(toml)
    with pytest.raises(RecipeError, match=rf"plant\.toml.*{message}"):
        Recipe.from_toml(file)
