"""The tags of a page of ours."""

from html.parser import HTMLParser

__all__ = ["tags_of"]


class _Tags(HTMLParser):
    """Names of tags; whether each that opens is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags_of(page: str) -> set[str]:
    """Names of its tags, each of which is closed and none of which leads away."""
    tags = _Tags()
    tags.feed(page)
    assert not tags.open
    return tags.seen
