"""What a file is by its first bytes: what is read here, and the name of what is not."""

from pathlib import Path

from pipeline.errors import WrongFile

PARQUET, ZIP, OLE = b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
SIZE = 512
"""Bytes by which a kind is told."""
_EXPORT = "export the table as CSV, Parquet or Excel"
_UNPACK = "unpack it"
_OTHERS = (
    (0, b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (0, b"ARROW1\0\0", "an Arrow file (Feather)", _EXPORT),
    (0, b"FEA1", "an Arrow file (Feather, version 1)", _EXPORT),
    (0, b"\xff\xff\xff\xff", "an Arrow stream", _EXPORT),
    (0, b"ORC", "an ORC file", _EXPORT),
    (0, b"Obj\x01", "an Avro file", _EXPORT),
    (0, b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _EXPORT),
    (0, b"$FL2", "an SPSS file", _EXPORT),
    (0, b"$FL3", "an SPSS file", _EXPORT),
    (0, b"<stata_dta>", "a Stata file", _EXPORT),
    (0, b"\0" * 12 + b"\xc2\xea\x81\x60", "a SAS file", _EXPORT),
    (0, b"RDX", "an R file", _EXPORT),
    (0, b"\x93NUMPY", "a NumPy file", _EXPORT),
    (0, b"\x80\x04\x95", "a Python pickle", _EXPORT),
    (0, b"\x80\x05\x95", "a Python pickle", _EXPORT),
    (0, b"%PDF-", "a PDF document", _EXPORT),
    (0, b"{\\rtf", "an RTF document", _EXPORT),
    (0, b"\x89PNG", "a picture", _EXPORT),
    (0, b"\xff\xd8\xff", "a picture", _EXPORT),
    (0, b"GIF8", "a picture", _EXPORT),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", "put a file into it"),
    (0, b"\x04\x22\x4d\x18", "a file packed with lz4", _UNPACK),
    (0, b"\xff\x06\0\0sNaPpY", "a file packed with snappy", _UNPACK),
    (0, b"\x1f\x9d", "a file packed with compress (.Z)", _UNPACK),
    (0, b"\xff\xfe\0\0", "text in UTF-32", "save it as UTF-8"),
    (0, b"\0\0\xfe\xff", "text in UTF-32", "save it as UTF-8"),
)
_PACKED = (
    (PARQUET, "a Parquet file", _UNPACK),
    (ZIP, "a zip archive or a workbook", _UNPACK),
    (OLE, "a workbook", _UNPACK),
    (b"\x1f\x8b", "another packed file (gzip): it is packed twice", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "another packed file (zstd): it is packed twice", _UNPACK),
    (b"BZh", "another packed file (bzip2): it is packed twice", _UNPACK),
    (b"\xfd7zXZ\0", "another packed file (xz): it is packed twice", _UNPACK),
)
_MARKUP = (b"<!doctype html", b"<html", b"<table", b"<meta", b"<head")


def refuse_other(path: Path, start: bytes) -> None:
    """Refuse a file of a kind that is known and not read.

    Raises:
        WrongFile: It is of such a kind; says which, and what to do.
    """
    for offset, magic, name, advice in _OTHERS:
        if start.startswith(magic, offset):
            raise WrongFile(path, f"is {name}; {advice}")
    if start[:SIZE].count(0) * 5 > len(start[:SIZE]) * 3:  # three bytes of four, without a mark
        raise WrongFile(path, "may be text in UTF-32; save it as UTF-8")


def refuse_packed(path: Path, start: bytes, packing: str) -> None:
    """Refuse a packed file in which there is no text.

    Raises:
        WrongFile: There is something of a known kind in it, or it is packed twice.
    """
    for magic, name, advice in _PACKED:
        if start.startswith(magic):
            raise WrongFile(path, f"is packed with {packing} and holds {name}; {advice}")
    for offset, magic, name, advice in _OTHERS:
        if start.startswith(magic, offset):
            raise WrongFile(path, f"is packed with {packing} and holds {name}; {advice}")


def markup_of(start: bytes) -> str | None:
    """What a text without the columns may be instead of a table: JSON, HTML or XML."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:SIZE].lower()
    if text.startswith((b"{", b"[{", b"[ {", b"[\n", b"[\r\n")):
        return "JSON"
    if text.startswith(_MARKUP):
        return "HTML"
    return "XML" if text.startswith((b"<?xml", b"<")) else None
