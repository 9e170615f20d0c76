"""The rows of a window itself, from the window."""

from torch import Tensor

from longstride.trainer.models.shape import Shape
from longstride.trainer.tasks.task import Samples, Task, chosen, columns_of, levels_of

__all__ = ["Reconstruct"]


class Reconstruct(Task):
    """Predict target channels in the rows of a window, from its input channels in the same rows."""

    def __init__(
        self, window: int, channels: tuple[str, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]
    ) -> None:
        self.span = self.judged = window
        self.channels, self.outputs = channels, outputs
        self.columns = [channels.index(name) for name in outputs]
        self.shape = Shape("reconstruct", window, len(inputs), (window, len(outputs)), levels_of(outputs, inputs))
        self._inputs, self._outputs = columns_of(inputs, channels), columns_of(outputs, channels)

    def samples(self, values: Tensor, mask: Tensor | None, labels: Tensor | None) -> Samples:
        """See Task."""
        present = None if mask is None else chosen(mask, self._outputs)
        return Samples(chosen(values, self._inputs), chosen(values, self._outputs), present)
