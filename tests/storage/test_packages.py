import pickle
import sys

import pytest

from longstride.storage.packages import PackageError, needs, package_error


def missing(module: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {module!r}", name=module)


def test_a_package_that_is_there_is_imported() -> None:
    assert needs("json.decoder") is sys.modules["json.decoder"]


@pytest.mark.parametrize(
    ("module", "command"),
    [("sklearn.metrics", "pip install 'longstride[evaluate]'"), ("polars", "`pip install longstride`")],
)
def test_a_missing_package_is_named_with_the_command_that_brings_it(module: str, command: str) -> None:
    error = package_error(missing(module))
    assert isinstance(error, PackageError)
    assert isinstance(error, ImportError)
    assert error.code == "package-missing"
    assert command in str(error)
    assert pickle.loads(pickle.dumps(error)).code == "package-missing"


def test_a_missing_module_of_ours_is_a_fault() -> None:
    error = missing("longstride.no_such_module")
    assert package_error(error) is error
    with pytest.raises(ModuleNotFoundError):
        needs("longstride.no_such_module")


@pytest.mark.parametrize(("module", "extra"), [("scipy.stats", "evaluate"), ("scipy.io", "matlab")])
def test_the_extra_is_that_of_the_module_that_is_used(module: str, extra: str) -> None:
    assert f"longstride[{extra}]" in str(package_error(missing("scipy"), module))
