"""What a file is, told by its bytes; names and declared types are not believed."""

import re
from enum import StrEnum

__all__ = ["SNIFFED_BYTES", "FileType", "sniff"]


class FileType(StrEnum):
    """Types that people send, whether or not they can be used."""

    JPEG = "JPEG"
    PNG = "PNG"
    WEBP = "WEBP"
    AVIF = "AVIF"
    GIF = "GIF"
    TIFF = "TIFF"
    BMP = "BMP"
    HEIC = "HEIC"
    SVG = "SVG"
    PDF = "PDF"
    MP4 = "MP4"
    UNKNOWN = "UNKNOWN"


_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_SIGNATURES = (
    (re.compile(rb"\xff\xd8\xff"), FileType.JPEG),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), FileType.PNG),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), FileType.WEBP),
    (re.compile(rb"GIF8[79]a"), FileType.GIF),
    (re.compile(rb"II[*+]\x00|MM\x00[*+]"), FileType.TIFF),
    (re.compile(rb"BM.{4}\x00\x00\x00\x00", re.DOTALL), FileType.BMP),
    (re.compile(rb"%PDF-"), FileType.PDF),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!DOCTYPE\s+svg|!--|svg)", re.IGNORECASE), FileType.SVG),
)


SNIFFED_BYTES = 256
"""So many bytes tell all that can be told."""


def sniff(data: bytes) -> FileType:
    """The type of a file by its first bytes; XML counts as SVG."""
    for pattern, file_type in _SIGNATURES:
        if pattern.match(data[:SNIFFED_BYTES]):
            return file_type
    return _by_brand(data) if data[4:8] == b"ftyp" else FileType.UNKNOWN


def _by_brand(data: bytes) -> FileType:
    """ISO base media files name what they are: a major brand, a version and the compatible brands."""
    size = min(int.from_bytes(data[:4], "big"), SNIFFED_BYTES)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, size, 4))}
    if brands & _AVIF_BRANDS:
        return FileType.AVIF
    return FileType.HEIC if brands & _HEIC_BRANDS else FileType.MP4
