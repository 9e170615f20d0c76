"""The wheel of this tree, which the tests of this folder install."""

from pathlib import Path

import pytest

from tests.helpers.environments import build


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build(folder, "wheel")
    (path,) = folder.glob("*.whl")
    return path
