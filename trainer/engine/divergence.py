"""When training is lost although its loss is a finite number: it is a million times what it was, and stays so.

Windows are normalised, so a model that always predicts the mean has a loss near 1. One step far above that may be
a batch with a fault in it, and a model recovers from some; a hundred in a row, or the end of a run, are not that.
"""

__all__ = ["MANY_STEPS", "RUINED", "is_ruined"]

RUINED = 1e6
"""A loss is ruined above this many times the first one, or above this many where that was below 1."""
MANY_STEPS = 100
"""Training is lost after so many ruined steps in a row."""


def is_ruined(loss: float, reference: float) -> bool:
    """Whether a loss is ruined, compared with a healthy one; NaN and infinity are, a NaN reference counts as 1."""
    return not loss <= RUINED * max(1.0, reference)
