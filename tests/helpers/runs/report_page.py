"""The report of a run, taken apart."""

from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from longstride.trainer.reporting.worst_windows import NUM_WORST

__all__ = ["SVG", "Page"]

SVG = "data:image/svg+xml;base64,"


class Page(HTMLParser):
    """Tags, addresses and text of a report; of the pictures too."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.source = (run / "report.html").read_text()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.cells: list[list[str]] = []
        self.in_row = False
        self.text = ""
        self.feed(self.source)
        self.drawings = [ElementTree.fromstring(b64decode(item[len(SVG) :])) for item in self.addresses]
        self.drawn = "\n".join(text for drawing in self.drawings for text in drawing.itertext())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.cells.append([])
            self.in_row = True
        for name, value in attributes:
            assert name not in ("style", "srcset", "data", "action")
            assert not name.startswith("on")
            if name in ("src", "href"):
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.in_row = self.in_row and tag != "tr"

    def handle_data(self, data: str) -> None:
        self.text += data
        if data.strip() and self.in_row:
            self.cells[-1].append(data)

    @property
    def worst_rows(self) -> list[int]:
        first = self.cells.index(["row", "time", "series", "error"]) + 1
        return [int(row.replace(",", "")) for row, *_ in self.cells[first : first + NUM_WORST]]
