"""What people, spreadsheets and historians write for a missing number."""

import re

__all__ = ["MISSING_WORD"]

PEOPLE = (
    r"n\.?/?a\.?|#n/?a( n/?a)?|nan|[(<\[]?null[)>\]]?|\\n|none|nil|[-?.*]+|missing|not available|unknown"
    r"|undefined|err(or)?|invalid|offline"
)
COMPILERS = r"[-+]?1\.#(ind|qnan|snan)\d*|[-+]?nan\((ind|snan)\)"
SPREADSHEETS = r"#(value|div/0|num|ref)!|#(error|fehler!?)"
ELSEWHERE = (
    r"fehlt|keine daten|kein wert|ungültig|k\.? ?a\.?|n\.? ?v\.?|sin datos|s/d|pas de donn[ée]es"
    r"|donn[ée]es? manquantes?|dati mancanti|sem dados|geen gegevens|brak( danych)?|нет данных|缺失|无数据|欠測"
)
OPC = r"(bad|uncertain|error)[_ ](?!\d)[a-z_ ]+|(opc_quality_)?bad( - .*)?"
HISTORIANS = (
    r"no (data|result|sample|value|lab data|comm|sensor|signal)|nodata|digital state|sensor fail(ure)?",
    r"bad( (input|output|quality|data|total|value))?",
    r"i\W?o\Wtimeout|comm loss",
    r"pt created|shutdown|configured?|stale|doubtful|uncertain|trace|snapfix|disconnected",
    r"(calc|comm|scan|input|coercion|equip|dcs) ?fail(ed|ure)?",
    r"scan (off|timeout|out)|out of serv(ice)?|(under|over|inp out) ?range",
    r"intf shut(down)?|arc off-?line|off-?line|not connect(ed)?|not converted|system error|access denied",
    r"set to bad|sample bad|tag not found|unavailable|\[-\d+\].*|.*no good data.*",
)
"""PI, Wonderware and their kind; blanks in them may be underscores."""
OF_HISTORIANS = [words.replace(" ", "[ _]") for words in HISTORIANS]
MISSING_WORD = re.compile(
    "|".join([PEOPLE, COMPILERS, SPREADSHEETS, ELSEWHERE, OPC, *OF_HISTORIANS]), re.IGNORECASE
)
