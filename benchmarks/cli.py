"""What the commands of this package share."""

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["JSON", "numbers", "write_json"]

JSON = click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")


def numbers(text: str, option: str) -> list[float]:
    """Numbers with commas between, from an option."""
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r}: expected numbers, such as 64,512", param_hint=option) from None


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures, and what they were measured on, if a path is given."""
    from benchmarks.machine import describe_machine

    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": describe_machine(), **figures}, indent=1) + "\n")
