"""What people, spreadsheets, historians and registers write for a missing number."""

import re

__all__ = ["MISSING_WORD", "is_made_up"]

PEOPLE = (
    r"n\.?/?a\.?|#n/?a|nan|null|none|nil|[-?.*]+|missing|not available|unknown|undefined|err(or)?|invalid|offline"
)
SPREADSHEETS = r"#(value|div/0|num|ref)!"
HISTORIANS = (
    r"no (data|result|sample|value|lab data)",
    r"bad( (input|output|quality|data|total|value))?",
    r"i/o timeout|pt created|shutdown|configured?|stale|doubtful|uncertain|trace|snapfix|disconnected",
    r"(calc|comm|scan|input|coercion|equip|dcs) ?fail(ed|ure)?",
    r"scan (off|timeout|out)|out of serv(ice)?|(under|over|inp out) ?range",
    r"intf shut(down)?|arc off-?line|off-?line|not connect(ed)?|not converted|system error|access denied",
    r"set to bad|sample bad|tag not found|unavailable|\[-\d+\].*|.*no good data.*",
)
"""PI, Wonderware and their kind; blanks in them may be underscores."""
MISSING_WORD = re.compile(
    "|".join([PEOPLE, SPREADSHEETS, *(words.replace(" ", "[ _]") for words in HISTORIANS)]), re.IGNORECASE
)
POWERS = {2.0**bits - less for bits in (15, 16, 31, 32) for less in (0, 1)}


def is_made_up(value: float) -> bool:
    """Whether people or registers write such a number for a missing one."""
    size = abs(value)
    is_round = value <= -100 and value % 100 == 0
    return is_round or size in POWERS or size >= 1e30 or re.fullmatch(r"99+\.[09]+", f"{size}") is not None
