from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.stores.ways import Ways, made_ways


@pytest.fixture(scope="module")
def ways(make_store: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Ways:
    return made_ways(make_store, tmp_path_factory.mktemp("ways"))
