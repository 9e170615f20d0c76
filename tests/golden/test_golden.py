"""What the product makes of the same logs is what it always made, bit for bit: stores, batches, losses, scores.

The digests in `digests.json` are never to change, unless a decision on the format, on the order of windows or on a
model says so; `python -m tests.golden.rewrite` then writes them again.
"""

import json

import pytest

from tests.golden.digests import changes
from tests.golden.parts import PARTS, Made, shards_key
from tests.golden.rewrite import DIGESTS

EXPECTED = json.loads(DIGESTS.read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("part", PARTS)
def test_what_is_made_stays_the_same(made: Made, part: str) -> None:
    if part == "shards" and shards_key() not in EXPECTED[part]:
        pytest.skip(f"the shards are those of {', '.join(EXPECTED[part])}: here it is {shards_key()}")
    changed = changes(EXPECTED[part], PARTS[part](made))
    if changed:
        pytest.fail(f"golden digests of {part} changed:\n" + "\n".join(changed), pytrace=False)


def test_every_part_is_frozen() -> None:
    assert EXPECTED.keys() == PARTS.keys()
