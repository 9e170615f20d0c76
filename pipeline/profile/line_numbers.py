"""Lines of rows that were read from somewhere in a file, as they are in the whole file."""

from dataclasses import replace

from longstride.pipeline.ingest.sources.base import Raw, Source
from longstride.pipeline.ingest.sources.files import open_file

__all__ = ["LineNumbers"]

AT_ONCE_BYTES = 2**22


class LineNumbers:
    """Counts what stands above excerpts: only where a line is to be told, as it takes a second a few gigabytes."""

    def __init__(self) -> None:
        """Nothing is counted yet."""
        self._known: dict[str, dict[int, int]] = {}

    def of_file(self, source: Source, raw: Raw) -> Raw:
        """The same rows and rejects, with the numbers that their lines have in the file."""
        if not raw.start:
            return raw
        above = self._above(source.name, raw.start)
        rejects = [reject._replace(line=reject.line + above) for reject in raw.rejects]
        return replace(raw, lines=raw.lines + above, rejects=rejects, start=0)

    def _above(self, name: str, start: int) -> int:
        """Line breaks before a byte, counted from the nearest one above it where they are known."""
        known = self._known.setdefault(name, {0: 0})
        place = max(byte for byte in known if byte <= start)
        count = known[place]
        with open_file(name) as file:
            file.seek(place)
            while place < start and (data := file.read(min(AT_ONCE_BYTES, start - place))):
                count += data.count(b"\n")
                place += len(data)
        known[start] = count
        return count
