"""Fields with other meanings of quotes, rewritten as RFC 4180 quotes them: all lines of a block in one search."""

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["requoter", "written"]


def written(field: bytes, separator: bytes, *, is_quoted: bool) -> bytes:
    """A field as RFC 4180 writes it."""
    if b'"' in field or separator in field or (is_quoted and field != field.strip()):
        return b'"%s"' % field.replace(b'"', b'""')
    return field


@lru_cache(maxsize=16)
def requoter(separator: bytes, canonical: bytes, quote: str) -> Callable[[bytes], bytes]:
    """What rewrites whole lines, `quote` being the setting, so that a canonical separator stands between fields.

    Fields without a quote or a backslash are passed over in runs; each other one is looked at once.
    """
    mark = b"'" if quote == "apostrophe" else b'"'
    has_escapes, has_quotes = quote == "backslash", quote != "none"
    between = re.escape(separator)
    special = rb"\"%s" % mark + (rb"\\" if has_escapes else b"")
    is_byte = len(separator) == 1
    letter = rb"[^%s\r\n%s]" % (special, between) if is_byte else rb"(?:(?!%s)[^%s\r\n])" % (between, special)
    run = rb"((?:%s*+(?:%s|[\r\n]))*+)" % (letter, between)
    inside = (rb"[^%s\\\r\n]|\\[^\r\n]|%s%s" if has_escapes else rb"[^%s\r\n]|%s%s") % (mark, mark, mark)
    quoted = rb"[ \t]*%s((?:%s)*+)%s[ \t]*(?=%s|[\r\n]|\Z)" % (mark, inside, mark, between)
    escaped = rb"\\[^\r\n]|" if has_escapes else b""
    plain = rb"((?:%s(?!%s)[^\r\n])*+)" % (escaped, between)
    middle = rb"[^%s\r\n%s]" % (special, between if is_byte else re.escape(separator[:1]))
    # Most quotes stand around a text that needs none.
    simple = rb"[ \t]*%s((?![ \t])%s++(?<![ \t]))%s[ \t]*(?=%s|[\r\n]|\Z)" % (mark, middle, mark, between)
    field = rb"(?:%s|%s|%s)" % (simple, quoted, plain) if has_quotes else rb"(?:(?!)()()|%s)" % plain
    find = re.compile(rb"%s%s" % (run, field)).findall
    # A character after a backslash is itself, where it could be taken for another.
    unescape = re.compile(rb'\\([\\"\']|%s)' % between).sub if has_escapes else None

    def rewrite(in_quotes: bytes, text: bytes) -> bytes:
        is_quoted = not text
        if is_quoted:
            text = in_quotes.replace(mark * 2, mark)
        if unescape is not None:
            text = unescape(rb"\1", text)
        return written(text, canonical, is_quoted=is_quoted)

    def rewrite_all(data: bytes) -> bytes:
        found = find(data)
        if separator != canonical:
            found = [(run.replace(separator, canonical), *fields) for run, *fields in found]
        # A field is simple, in quotes, or plain: of the three, the others are empty.
        return b"".join([run + (bare or rewrite(quoted, plain)) for run, bare, quoted, plain in found])

    return rewrite_all
