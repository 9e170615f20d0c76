"""What names say is measured."""

import re
from collections.abc import Iterable

__all__ = ["are_quantities"]

QUANTITY = re.compile(
    r"temp(erature)?|hum(idity)?|rh|pres(s(ure)?)?|flow|level|speed|rpm|freq(uency)?|volt(age)?|current|amps?|power"
    r"|energy|load|torque|vib(ration)?|acc(el(eration|erometer)?)?|gyro(scope)?|mag(netometer)?|light|lux|noise|sound"
    r"|co2?|voc|pm(10|25|1)?|ph|o2|no2?|so2|rain|wind|gust|solar|radiation|dew|battery|rssi|snr|heat(ing)?|cpu|memory"
    r"|disk|position|angle|weight|mass|height|width|distance|depth|conductivity|turbidity|oxygen|gravity|orientation"
    r"|barometer|altitude|lat(itude)?|lon(gitude)?|druck|temperatur|feuchte|strom|spannung|leistung|drehzahl"
    r"|durchfluss|kw|kwh|hz|bar|celsius"
)
"""Words of names that say what is measured."""


def are_quantities(names: Iterable[str]) -> bool:
    """Whether most names hold a word for what is measured, and differ in it."""
    found = [_words(name) for name in names]
    known = [words for words in found if words]
    return len(known) > len(found) / 2 and len(set(known)) > len(known) / 2


def _words(name: str) -> frozenset[str]:
    words = re.findall(r"[^\W\d_]+\d*", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
    return frozenset(word.lower() for word in words if QUANTITY.fullmatch(word.lower()))
