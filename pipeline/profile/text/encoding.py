"""The encoding of a text: by its marks, as UTF-8, or by the letters that come of it."""

import re
from collections.abc import Iterator

from longstride.pipeline.ingest.sources.csv.header import wide_encoding
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["find_encoding"]

CYRILLIC = ("cp1251", "koi8-r", "cp866", "mac-cyrillic", "iso8859-5")
EAST_ASIAN = ("gb18030", "shift_jis", "euc_jp", "euc_kr", "big5")
OLD_WESTERN = ("cp850", "mac-roman")
ACCENTS = re.compile("[àáâãäåæçèéêëìíîïñòóôõöøùúûüßœÀÁÂÄÅÆÇÈÉÊËÍÎÓÔÖØÚÜ]")
NATURAL = 0.7
OTHER = re.compile(r"[^\x00-\x7f]+")
LETTERS = re.compile(r"[^\W\d_]*[^\x00-\x7f\W\d_][^\W\d_]*")
"""A word with a letter beyond ASCII."""
WITH_LOST = re.compile(r"[^\s,;|]*\N{REPLACEMENT CHARACTER}[^\s,;|]*")
HAN = re.compile(r"[\u4e00-\u9fff]")
HAN_OF_LOGS = re.compile(
    "[时間间日期温度湿压力流量速电压流功率站点号名称值数据雨风水位平均最大小开关状态月年分秒刻备考溫壓風數據點號稱電圧値]"
)
HANGUL = re.compile(r"[\uac00-\ud7a3]")
JAPANESE = (
    re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]"),
    re.compile(rf"[\u3040-\u30ff]|{HAN_OF_LOGS.pattern}"),
)
COMMON = {
    "gb18030": (HAN, HAN_OF_LOGS),
    "big5": (HAN, HAN_OF_LOGS),
    "shift_jis": JAPANESE,
    "euc_jp": JAPANESE,
    "euc_kr": (HANGUL, HANGUL),
}
"""Letters of a script, and those of them that are common there but rarely come of another encoding."""
LEAST_COMMON = 0.7


def find_encoding(data: bytes) -> tuple[str | None, str | None]:
    """The encoding of a text and a doubt of it; None and None where all is ASCII."""
    if wide := wide_encoding(data):
        return wide, None
    if data.isascii():
        return None, None
    text = data.decode("utf-8", "replace")
    num_lost = data.count("\N{REPLACEMENT CHARACTER}".encode())
    num_wrong = text.count("\N{REPLACEMENT CHARACTER}") - num_lost
    if sum(character > "\x7f" for character in text) > 2 * num_wrong:
        return "utf-8", _doubt_of_lost(text) if num_lost and not num_wrong else None
    found = [*dict.fromkeys([*_others(data), _western(data)])]
    chosen, *rest = found
    words = LETTERS.findall(data.decode(chosen, "replace"))
    if not words:
        return chosen, None
    others = rest or [encoding for encoding in ("cp1251", "gb18030") if encoding != chosen]
    shown = ", as ".join(f"{encoding} {_word(data, chosen, encoding)}" for encoding in others)
    doubt = (
        f"texts are not UTF-8: {quoted(words[0])} is read as {chosen}, as {shown}. If names look wrong, "
        "say another encoding"
    )
    return chosen, doubt


def _doubt_of_lost(text: str) -> str:
    """Which letters a program had lost before it wrote the text."""
    word = WITH_LOST.search(text)
    assert word is not None
    return (
        f"encoding: {quoted(word[0])} holds the sign U+FFFD, which a program writes for a letter that it cannot "
        "read: the letter is lost in the file itself, and names with it stay as they are"
    )


def _western(data: bytes) -> str:
    """That with which most words look like words; those of old computers only where they are many more."""
    words = {name: _num_accents(data.decode(name, "replace")) for name in ("latin-1", *OLD_WESTERN)}
    best = max(words, key=lambda name: words[name])
    if best in OLD_WESTERN and words[best] > 2 * words["latin-1"]:
        return best
    # latin-1 has control characters where cp1252 has dashes, quotes and the euro.
    is_windows = re.search(rb"[\x80-\x9f]", data) and not re.search(rb"[\x81\x8d\x8f\x90\x9d]", data)
    return "cp1252" if is_windows else "latin-1"


def _num_accents(text: str) -> int:
    """Letters of words with accents of western languages, in which large letters stand first or all are large."""
    words = [word for word in LETTERS.findall(text) if ACCENTS.search(word)]
    return sum(len(word) for word in words if word[1:].islower() or word.isupper())


def _others(data: bytes) -> Iterator[str]:
    """Encodings of other scripts in which the text has words that look like words, the likeliest first."""
    runs = re.findall(rb"[\x80-\xff]{3,}", data)
    if sum(map(len, runs)) < NATURAL * len(re.findall(rb"[\x80-\xff]", data)):
        return  # letters with accents, or signs such as those of degrees, stand alone
    scores = {encoding: _naturalness(data, encoding) for encoding in (*CYRILLIC, *EAST_ASIAN)}
    yield from sorted((name for name in scores if scores[name] >= NATURAL), key=lambda name: -scores[name])


def _naturalness(data: bytes, encoding: str) -> float:
    """How much of what is beyond ASCII looks like a language."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data[: data.rfind(b"\n") + 1].decode(encoding, "replace")
        if "\N{REPLACEMENT CHARACTER}" in text:
            return 0.0
    others = "".join(OTHER.findall(text))
    if not others:
        return 0.0
    if encoding in EAST_ASIAN:
        share, common = (len(letters.findall(others)) / len(others) for letters in COMMON[encoding])
        return share * (LEAST_COMMON + (1 - LEAST_COMMON) * min(1.0, 3 * common))
    words = re.findall(r"[\u0400-\u04ff]+", text)
    # A word is small, large, or begins with a large letter.
    natural = sum(len(word) for word in words if word[1:].islower() or len(word) == 1 or word.isupper())
    small = sum(character.islower() for word in words for character in word)
    return float(natural / len(others) * (0.9 + 0.1 * small / max(1, sum(map(len, words)))))


def _word(data: bytes, chosen: str, other: str) -> str:
    """The same first word in another encoding."""
    text = LETTERS.search(data.decode(chosen, "replace"))
    assert text is not None
    return quoted(text[0].encode(chosen, "replace").decode(other, "replace"))
