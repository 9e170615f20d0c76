"""Units of one kind that change within a column, such as W and kW: how numbers of each become numbers of one."""

from collections import Counter
from fractions import Fraction

__all__ = ["factors_of"]

POWERS = {"T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "": 0, "d": -1, "c": -2, "m": -3, "n": -9}
POWERS |= dict.fromkeys("u\xb5\u03bc", -6)
PREFIXES = {prefix: Fraction(10) ** power for prefix, power in POWERS.items()}
OF_BYTES = {f"{prefix}i": Fraction(1024) ** power for power, prefix in enumerate("KMGT", start=1)}
OF_BYTES |= {"": Fraction(1), "K": Fraction(1000)} | {prefix: PREFIXES[prefix] for prefix in "kMGT"}
BYTES = ["B", "B/s", "Byte", "bytes", "bit", "bits", "bps", "b/s", "bit/s"]
UNITS = """
Wh VAh Ah W VA var VAr A V Hz Pa bar g m m/s l L J N Nm F H \u03a9 \u2126 Ohm ohm S S/cm s ppm cd lx mol eq
"""
TIMES = {
    **dict.fromkeys(("s", "sec", "secs"), Fraction(1)),
    **dict.fromkeys(("min", "mins"), Fraction(60)),
    **dict.fromkeys(("h", "hr", "hrs"), Fraction(3600)),
    **{"d": Fraction(86_400), "ms": Fraction(1, 1000), "us": Fraction(1, 10**6), "\xb5s": Fraction(1, 10**6)},
}
BARE = {prefix: PREFIXES[prefix] for prefix in "TGMkmu\xb5\u03bcn"} | {"K": Fraction(1000), "": Fraction(1)}
"""Prefixes without a unit, and numbers without any."""


def factors_of(units: Counter[str], num_bare: int) -> tuple[str, dict[str, float]] | None:
    """The unit that most numbers have ("" for none), and what those of each other are multiplied by.

    None where they are not of one kind. `num_bare` numbers have none.
    """
    names = {*units, *([""] if num_bare else [])}
    known = _sizes(names)
    if known is None:
        return None
    # A number without a unit is read as it stands, and a prefix alone is no unit.
    usual = "" if known is BARE else units.most_common(1)[0][0]
    return usual, {unit: float(known[unit] / known[usual]) for unit in units if unit != usual}


def _sizes(names: set[str]) -> dict[str, Fraction] | None:
    if "" in names or (names <= BARE.keys() and names != {"m"}):
        # Metres may stand behind some numbers alone.
        return BARE if names <= BARE.keys() and names != {"", "m"} else None
    if names <= TIMES.keys():
        return TIMES
    for bases, prefixes in ((BYTES, OF_BYTES), (UNITS.split(), PREFIXES)):
        for base in bases:
            sizes = {f"{prefix}{base}": size for prefix, size in prefixes.items()}
            if names <= sizes.keys():
                return sizes
    return None
