"""`python -m tests.golden.rewrite`: write `digests.json` again, of what the product makes now.

The digests are never to change, unless a decision on the format, on the order of windows or on a model says so.
"""

import json
import tempfile
from pathlib import Path

from tests.golden.parts import PARTS, Made

__all__ = ["DIGESTS"]

DIGESTS = Path(__file__).with_name("digests.json")

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = Made(Path(folder))
        found = {name: part(made) for name, part in PARTS.items()}
    DIGESTS.write_text(json.dumps(found, indent=1) + "\n")
