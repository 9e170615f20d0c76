"""The settings of a run. Its checkpoints hold those that they were trained with; `settings.json` shows them."""

import json
import logging
from contextlib import suppress
from pathlib import Path

from longstride.storage.atomic import write_file
from longstride.storage.places.files import read_file
from longstride.storage.places.object_answers import PlaceError
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.saved.checkpoint import STATE_FILE, Checkpoint, all_checkpoints, load_checkpoint
from longstride.trainer.settings import Settings

__all__ = ["CHECKPOINTS", "SETTINGS_FILE", "begun_with", "has_settings", "settings_of", "write_settings"]

SETTINGS_FILE = "settings.json"
CHECKPOINTS = "checkpoints"

logger = logging.getLogger(__name__)


def write_settings(run: Path, settings: Settings) -> None:
    """Replace `settings.json`."""
    write_file(run / SETTINGS_FILE, [json.dumps(settings.as_json(), indent=1).encode()])


def has_settings(run: Path) -> bool:
    """Whether a folder has a `settings.json` of a run."""
    try:
        _read(run / SETTINGS_FILE)
    except (SettingsError, PlaceError):
        return False
    return True


def settings_of(run: Path, checkpoint: Checkpoint) -> tuple[Settings, Path]:
    """The settings that a checkpoint was trained with, and the file that they are from.

    `settings.json` has no checksum, so it only counts where the checkpoint holds none, as older versions wrote
    them; a warning says where it is damaged or tells something else. Raises RunError where none can be read.
    """
    file = run / SETTINGS_FILE
    try:
        shown, fault = _read(file), None
    except (SettingsError, PlaceError) as error:
        shown, fault = None, str(error)
    held = checkpoint.state.get("settings")
    if held is None:
        if shown is None:
            raise RunError(f"{fault}: restore it from a backup, or train again", code="run-damaged")
        return shown, file
    try:
        settings = Settings.from_json(held)
    except (SettingsError, PlaceError) as error:
        raise RunError(f"the settings in {checkpoint.path} cannot be read: {error}", code="run-damaged") from error
    if shown is not None:
        told, trained = shown.that_shape_the_curve(), settings.that_shape_the_curve()
        differing = [
            f"{flag} {told.get(flag)} (it was trained with {trained.get(flag)})"
            for flag in sorted(told.keys() | trained.keys())
            if told.get(flag) != trained.get(flag)
        ]
        fault = f"{file} was changed to {', '.join(differing)}" if differing else None
    if fault:
        logger.warning(f"{fault}: the settings in {checkpoint.path.name} are used")
    return settings, checkpoint.path / STATE_FILE


def begun_with(run: Path) -> Settings | None:
    """The settings of the newest checkpoint that can be read; None where there is none.

    Nothing is said of damage: whoever resumes the run reads it again.
    """
    for path in all_checkpoints(run / CHECKPOINTS):
        with suppress(RunError, SettingsError, PlaceError):
            held = load_checkpoint(path).get("settings")
            return _read(run / SETTINGS_FILE) if held is None else Settings.from_json(held)
    return None


def _read(file: Path) -> Settings:
    """Raises SettingsError, or PlaceError, for anything but a file of settings."""
    try:
        groups = json.loads(read_file(file))
    except PermissionError:
        raise
    except OSError as error:
        raise SettingsError(f"{file} cannot be read ({error.strerror})", code="run-damaged") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file} is damaged: it is not JSON ({error})", code="run-damaged") from error
    try:
        return Settings.from_json(groups)
    except (SettingsError, PlaceError) as error:
        raise SettingsError(f"{file} is damaged: {error}", code="run-damaged") from error
