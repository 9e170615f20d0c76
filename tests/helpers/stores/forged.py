"""Stores that were changed by somebody who knows the format, and seals what he has written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from longstride.storage.format import ATTRIBUTES, ROOT, seal

Attributes = dict[str, Any]


def rewrite(store: Path, change: Callable[[Attributes], object]) -> None:
    """Change our attributes, and seal them again, as a stranger would."""
    document = json.loads((store / ROOT).read_bytes())
    attributes = document["attributes"][ATTRIBUTES]
    del attributes["seal_crc32c"]
    change(attributes)
    document["attributes"][ATTRIBUTES] = attributes | {"seal_crc32c": seal(attributes)}
    (store / ROOT).write_text(json.dumps(document))
