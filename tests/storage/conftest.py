import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncing is most of the time of a small store; that it is asked for in the right order has a test."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
