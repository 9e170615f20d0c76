"""Files that are often given for a log and are none: known by their first bytes, with the way to convert them."""

import re

from longstride.pipeline.ingest.errors import SourceError

__all__ = ["refuse_foreign", "refuse_no_text"]

SPREADSHEET = "this is a spreadsheet: give it the end .xlsx or .ods, and it is read"
ARCHIVES = {
    b"\x1f\x9d": "this is compressed with `compress`: unpack it, as with `uncompress`",
    b"\x04\x22\x4d\x18": "this is compressed with lz4: unpack it, as with `lz4 -d`",
    b"\x5d\x00\x00": "this is compressed with lzma: unpack it, as with `unlzma`",
    b"LZIP": "this is compressed with lzip: unpack it, as with `lzip -d`",
    b"\x89LZO": "this is compressed with lzop: unpack it, as with `lzop -d`",
    b"7z\xbc\xaf": "this is a 7z archive: unpack it, as with `7z x`",
    b"Rar!\x1a\x07": "this is a rar archive: unpack it, as with `unrar x`",
}
DATA = {
    b"\xd0\xcf\x11\xe0": "this is a spreadsheet or document of Office: save it as CSV",
    b"FEA1": "this is Feather of version 1: write it as version 2, as with `pandas.read_feather`, `to_feather`",
    b"\xff\xff\xff\xff": "this is an Arrow IPC stream: write a file, as with `pyarrow.feather.write_feather`",
    b"\x89HDF": "this is HDF5: give it the end .h5, .nc or .mat by what wrote it, and it is read",
    b"CDF": "this is NetCDF: give it the end .nc, and it is read",
    b"ORC": "this is an ORC file: write it as Parquet, as with `pyarrow.orc.read_table`",
    b"Obj\x01": "this is an Avro file: write it as Parquet or as one JSON object a line",
    b"SQLite": "this is an SQLite database: write its table as CSV, as with `sqlite3 -header -csv`",
    b"MDF ": "this is a measurement in MDF: give it the end .mf4 or .mdf, and it is read",
    b"UnFinMF": "this is a measurement in MDF that was not closed: mend it, as with `asammdf`",
    b"LOGG": "this is a log of a bus in BLF: write it as CSV, as with `python-can`",
    b"TDSm": "this is a measurement of LabVIEW in TDMS: give it the end .tdms, and it is read",
    b"MATLAB": "this is a file of MATLAB: give it the end .mat, and it is read",
    b"\x89MCAP0": "this is a recording in MCAP: give it the end .mcap, and it is read",
    b"#ROSBAG": "this is a bag of ROS 1: write it as MCAP of ROS 2, as with `rosbags-convert`",
    b"\x93NUMPY": "this is an array of numpy: write it as CSV or Parquet, with a column of times",
    b"\x89PNG": "this is a picture in PNG: name the file of its data",
    b"\xff\xd8\xff": "this is a picture in JPEG: name the file of its data",
}
OF_TEXT = {
    b"%pdf-": "this is a PDF: name the file of its data",
    b"{\\rtf": "this is a text in RTF: save it as plain text",
    b"<!doctype html": "this is a page in HTML, such as a server sends in place of a file: download it again",
    b"<html": "this is a page in HTML, such as a server sends in place of a file: download it again",
    b"<?xml": "this is XML: write its records as CSV or as one JSON object a line, as with `pandas.read_xml`",
}
"""Kinds that begin with text, in small letters."""
PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95|[\]}(c])")
TAR_MAGIC = slice(257, 262)
CONTROLS = re.compile(rb"[\x00-\x08]")
"""What text does not hold."""
NO_TEXT = re.compile(rb"[\x02-\x08\x0e-\x1b\x7f]")
"""What text hardly holds. Zero bytes are not among them: they stand where a logger lost its power; and ones are
separators, as Hive writes them."""
MANY = 0.05
FEW_BYTES = 64


def refuse_foreign(name: str, begin: bytes) -> None:
    """Raise SourceError for a kind of file that is not read."""
    if message := _foreign(begin):
        raise SourceError(name, message, code="source-format")


def _foreign(begin: bytes) -> str | None:
    if begin.startswith(b"PK\x03\x04"):
        is_sheet = b"[Content_Types].xml" in begin or b"opendocument.spreadsheet" in begin
        return SPREADSHEET if is_sheet else "this is a zip archive: unpack it, as with `unzip`"
    is_text = not CONTROLS.search(begin)
    for magic, message in {**ARCHIVES, **DATA}.items():
        # A column may be called ORC_temp.
        if begin.startswith(magic) and not (is_text and magic.strip().isalpha()):
            return message
    small = begin[:64].lstrip().lower()
    for magic, message in OF_TEXT.items():
        if small.startswith(magic):
            return message
    if PICKLE.match(begin):
        return "this is a pickle of Python: write what it holds as Parquet, as with `pandas.read_pickle`"
    if begin[TAR_MAGIC] == b"ustar":
        return "this is a tar archive: unpack it, as with `tar xf`, and name its files"
    return None


def refuse_no_text(name: str, begin: bytes) -> None:
    """Raise SourceError where a file is not of a known kind, and its bytes are not a text of one byte a letter."""
    num_wrong = len(NO_TEXT.findall(begin))
    if len(begin) >= FEW_BYTES and not begin.strip(b"\0"):
        found = "its beginning holds zero bytes alone, as a disk does that lost what was to be written"
    elif num_wrong > MANY * len(begin) and len(begin) >= FEW_BYTES:
        found = f"{num_wrong:,} of its first {len(begin):,} bytes are not those of a text"
    else:
        return
    raise SourceError(
        name,
        f"{found}: this is not a log in text, and of no kind that is known: export it as CSV by the program that "
        "wrote it, or name its encoding if it is a text",
        code="source-format",
    )
