"""What columns of times, and of parts of them, are called in the languages of loggers."""

import re
import unicodedata

__all__ = ["PART_NAMES", "UNITS", "elapsed_unit", "is_of_other", "name_score", "names_unit", "plain"]

TIMES = """
time zeit czas tijd tid tids čas cas vrijeme vreme време время час laikas laiks aeg aika idő ido
timp zaman waktu χρόνος ώρα 时间 時間 시간 เวลา thời-gian thoi-gian الوقت الزمن זמן زمان समय
"""
"""The word for time, which may be one of day, or one that has gone by."""
DATES = """
date datum fecha data dato datu datums dátum datetimeutc päivämäärä päiväys pvm kuupäev tarih tanggal
tarikh ngày ngày-giờ дата датавремя датаивремя датачас датаічас ημερομηνία ημερομηνία-ώρα 日期 日付 日時
日期时间 年月日 日期時間 날짜 일시 일자 วันที่ วันเวลา التاريخ תאריך تاریخ दिनांक timestamp datetime
timedate datetimestamp datetimetamp ts tvsec mjd datenum epoch unix unixtime unixtimestamp posix uhrzeit
jd hjd bjd jdutc jdtdb bjdutc bjdtdb juliandate
zeitstempel datumzeit datumuhrzeit zeitpunkt hora fechahora heure horodatage dateheure ora dataora
datahora tijdstip datumtijd tidpunkt tidspunkt tidsstämpel aikaleima kello klo kellonaika časové-razítko
časová-značka datum-čas datum-vrijeme datum-vreme időpont időbélyeg dátum-idő data-czas data-godzina
tarih-saat saat zaman-damgası метка-времени временная-метка 時刻 时刻 시각 일시각 타임스탬프 측정일시
측정시간 yyyymmdd yyyymmddhh yyyymmddhhmm yyyymmddhhmmss
"""  # noqa: RUF001
BEHIND = "utc|gmt|local|lt|cet|mez|mesz|est|pst|jst|мск"
PART_OF_NAME = re.compile(
    r"time|date|stamp|zeit|datum|fecha|heure|czas|время|дата|时间|時間|日時|時刻|时刻|일시|날짜|čas|vrijeme|vreme|aika|időpont|zaman|tarih"
)
OF_OTHER = re.compile(
    r"\b(?:due|(?:valid|good) (?:until|till?|thru|through|to)|until|expir\w*|deadline|next|best before|birth\w*"
    r"|installed|installation|manufactur\w*|warranty|calibrat\w*|fällig\w*|gültig bis|échéance|vence"
    r"|vencimiento)\b"
)
"""Words of names of times that are not those of rows."""
ELAPSED = r"elapsed|relative|rel|test|run|enginerun|total|up|sim|log|lauf|mess|versuchs|prüf"
OTHER_TIMES = "temps tiempo tempo t"
"""Such words that mean other things too, as a column of temperatures."""
OTHER_ELAPSED = "xvalue timestamp timestamps ts t 経過時間 经过时间 經過時間 경과시간"
UNITS = {
    "ns": r"ns|nanos(?:econds?)?",
    "us": r"[uµμ]s|micros(?:econds?)?|usecs?",
    "ms": r"ms|мс|毫秒|ミリ秒|밀리초|millis(?:econds?)?|msecs?|milisekund\w*|milisegundos?",
    "s": r"s|\u0441|сек|секунды?|секунди|秒|초|secs?|seconds?|sekunden|secondes|segundos?|secondi"
    r"|sekund[ya]?|sekunder|sekuntia|saniye",
    "min": r"min|мин|хв|分|分钟|分鐘|분|mins|minutes?|minuten|minutos?|minuti|minut[ya]?|minuter|dakika",
    "h": r"h|ч|часы|小时|小時|hrs?|hours?|stunden|heures|horas?|hodin[ay]?|godzin[ay]?|timmar|óra",
    "d": r"d|days?|tage|天|jours|dagar|dage|dni|días|dias|giorni",
}
PART_NAMES = {
    "year": """
        year yyyy yr yy jahr jaar annee année ano año anno an any rok leto godina година год рік år ar vuosi
        aasta gads metai év yıl yil έτος tahun năm nam ปี 年 年份 年度 년 년도 연도
    """,  # noqa: RUF001
    "month": """
        month mon mo mm monat maand mois mes mês mese lună luna měsíc mesiac mesec mjesec miesiąc miesiac
        месяц месец місяць måned månad kuukausi kuu mėnuo mēnesis hónap ay μήνας bulan tháng thang เดือน 月
        月份 월
    """,
    "day": """
        day dd dy dom tag jour dia día giorno zi den deň dan dzień dzien день ден dag päivä päev diena nap
        gün gun ημέρα μέρα hari ngày ngay วัน 日 日期 일
    """,
    "hour": """
        hour hr hh stunde std heure hora ora oră uur hodina godz godzina ura час годината година timme tunti
        tund stunda valanda óra saat ώρα giờ gio ชั่วโมง 時 时 小时 小時 시 시간 he hourending
    """,
    "minute": """
        minute min mi mn mm minuto minuut minuta minut minuutti minutė minūte dakika λεπτό λεπτά минута
        минути хвилина menit phút phut นาที 分 分钟 分鐘 분
    """,
    "second": """
        second sec ss sc sekunde seconde segundo secondo secundă sekunda sekund sekunti sekundė másodperc
        saniye δευτερόλεπτο секунда detik giây giay วินาที 秒 秒鐘 초
    """,
}
"""Names of columns that hold a part of the time."""


def plain(name: str) -> str:
    """A name without what is written differently."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", name).lower())


def _any_of(words: str) -> str:
    return "|".join(sorted({plain(word) for word in words.split()}, key=len, reverse=True))


TIME_NAME = re.compile(rf"(?:utc|gmt|local)?(?:{_any_of(TIMES + DATES)})(?:{BEHIND})?")
ELAPSED_NAME = re.compile(rf"(?:{ELAPSED})?(?:{_any_of(TIMES + OTHER_TIMES)})s?|{_any_of(OTHER_ELAPSED)}")


OF_ENGINE = re.compile(r"engineruntime|(?:run)?timesinceenginestart(?:ed)?|runtimesinceenginestart\w*")
"""OBD-II counts it in seconds."""
JOINED = re.compile(r"(?:sys|boot|up|elapsed)?(?:time|timestamp)(ns|us|ms)")
"""As TimeUS in logs of drones."""


def name_score(name: str) -> int:
    """How much a name is one of a time."""
    text = plain(re.sub(r"[(\[].*?[)\]]", "", name)) or plain(name)
    return 3 if TIME_NAME.fullmatch(text) else 2 if PART_OF_NAME.search(text) else 0


def is_of_other(name: str) -> bool:
    """Whether a name says the time of something else than the row: when something is due, or was calibrated."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return OF_OTHER.search(re.sub(r"[\W_]+", " ", words.lower())) is not None


def elapsed_unit(name: str) -> str | None:
    """The unit of a column that seems to be called an elapsed time: s where it names none; else None."""
    if unit := names_unit(name):
        return unit
    text = name.strip().lower()
    return "s" if ELAPSED_NAME.fullmatch(plain(name)) or "elapsed" in text else None


def names_unit(name: str) -> str | None:
    """The unit that the name of an elapsed time says; None where it says none."""
    if OF_ENGINE.fullmatch(plain(name)):
        return "s"
    if (joined := JOINED.fullmatch(plain(name))) is not None:
        return joined[1]
    text = re.sub(r"\s+(?:since|from|after|seit|depuis|desde)\b.*", "", name.strip().lower())
    for unit, pattern in UNITS.items():
        if re.fullmatch(rf"(?:.*[\s_(\[/.,-])?(?:{pattern})[)\]]?", text):
            base = plain(re.sub(rf"[\s_(\[/.,-]*(?:{pattern})[)\]]?$", "", text))
            if base == "" or ELAPSED_NAME.fullmatch(base) or "time" in base or "elapsed" in base:
                return unit
    return None
