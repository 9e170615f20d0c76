"""What columns of times are called."""

import re

__all__ = ["elapsed_unit", "name_score", "names_unit", "plain"]

TIME_NAME = re.compile(
    r"(?:utc|gmt|local)?(?:date|time|timestamp|datetime|timedate|datetimes?tamp|ts|tvsec|mjd|datenum|epoch|unix(?:time|timestamp)?|posix|zeit|datum|uhrzeit|zeitstempel"
    r"|datumzeit|datumuhrzeit|zeitpunkt|fecha|hora|fechahora|heure|horodatage|dateheure|data|ora|dataora|tijd|tijdstip"
    r"|datumtijd|tid|tidpunkt|tidspunkt|dato|czas|datetimeutc|aika|aikaleima|kello|время|дата|датавремя|时间|日期|日時"
    r"|時刻|時間|日期时间|yyyymmdd(?:hh(?:mm(?:ss)?)?)?)(?:utc|gmt|local|lt|cet|mez|mesz|est|pst|jst|мск)?"
)
PART_OF_NAME = re.compile(r"time|date|stamp|zeit|datum|fecha|heure|czas|время|дата|时间|時間|日時")
ELAPSED_NAME = re.compile(
    r"(?:elapsed|relative|rel|test|run|enginerun|total|up|sim|log|lauf|mess|versuchs|prüf)?(?:time|t|zeit|temps|tiempo|tempo|czas)s?"
    r"|xvalue|timestamp|ts|время|tijd|tid|経過時間|時間|时间|经过时间"
)
UNITS = {
    "ns": r"ns|nanos(?:econds?)?",
    "us": r"[uµμ]s|micros(?:econds?)?|usecs?",
    "ms": r"ms|мс|毫秒|ミリ秒|millis(?:econds?)?|msecs?",
    "s": r"s|\u0441|сек|секунды?|秒|secs?|seconds?|sekunden|secondes|segundos?|secondi",
    "min": r"min|мин|分|分钟|mins|minutes?|minuten|minutos?|minuti",
    "h": r"h|ч|小时|hrs?|hours?|stunden|heures|horas?",
    "d": r"d|days?|tage",
}


def plain(name: str) -> str:
    """A name without what is written differently."""
    return re.sub(r"[\W_]", "", name.lower())


def name_score(name: str) -> int:
    """How much a name is one of a time."""
    text = plain(re.sub(r"[(\[].*?[)\]]", "", name)) or plain(name)
    return 3 if TIME_NAME.fullmatch(text) else 2 if PART_OF_NAME.search(text) else 0


def elapsed_unit(name: str) -> str | None:
    """The unit of a column that seems to be called an elapsed time: s where it names none; else None."""
    if unit := names_unit(name):
        return unit
    text = name.strip().lower()
    return "s" if ELAPSED_NAME.fullmatch(plain(name)) or "elapsed" in text else None


def names_unit(name: str) -> str | None:
    """The unit that the name of an elapsed time says; None where it says none."""
    text = re.sub(r"\s+(?:since|from|after|seit|depuis|desde)\b.*", "", name.strip().lower())
    for unit, pattern in UNITS.items():
        if re.fullmatch(rf"(?:.*[\s_(\[/.,-])?(?:{pattern})[)\]]?", text):
            base = plain(re.sub(rf"[\s_(\[/.,-]*(?:{pattern})[)\]]?$", "", text))
            if base == "" or ELAPSED_NAME.fullmatch(base) or "time" in base or "elapsed" in base:
                return unit
    return None
