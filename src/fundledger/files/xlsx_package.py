"""Opening an uploaded .xlsx file without trusting it: a zip of XML parts, each read with a bound.

A workbook may be a bomb (a few bytes that inflate to gigabytes), damaged, encrypted, or another kind of file under the
name. What cannot be read raises `BadWorkbookError` with the code of the catalogue; nothing else leaves this module.
Parts are never written to disk, no entity is ever expanded, nothing outside the file is ever followed.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from xml.etree import ElementTree as ET

ENTRIES_MAX = 1_000
INFLATED_MAX = 200_000_000
"""Bytes of all parts together; a list of 100,000 lines and ten columns has about 45,000,000."""
RATIO_MAX = 200
"""A part over a megabyte that is packed tighter than this was made to inflate."""
SMALL_PART_MAX = 20_000_000
"""Bytes of a part that is read whole (all but the sheets and the shared strings)."""

_CHUNK = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_ID = re.compile(r"\{[^}]*/relationships\}id")
_WORKSHEET = "/worksheet"
_BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_FORMAT_NOISE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_SIMPLE_STRING = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DECLARED = re.compile(rb"""encoding\s*=\s*["']([^"']+)["']""")


class BadWorkbookError(Exception):
    """The file cannot be read as a workbook; `code` says why, and it is a row of the catalogue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A worksheet of the workbook: its name, whether people see it, and the part that holds it."""

    name: str
    hidden: bool
    path: str


class Package:
    """An .xlsx file; its parts are inflated as they are asked for. Raises `BadWorkbookError`."""

    def __init__(self, data: bytes) -> None:
        """Look at the directory of the zip: `xlsx-encrypted`, `xlsx-old-format`, `xlsx-not-a-workbook`,
        `xlsx-too-large`, `xlsx-damaged`, `xlsx-macros`."""
        if data.startswith(_OLE):
            raise BadWorkbookError("xlsx-encrypted" if _ENCRYPTED in data else "xlsx-old-format")
        if not data.startswith(b"PK"):
            raise BadWorkbookError("xlsx-not-a-workbook")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError, UnicodeDecodeError):
            raise BadWorkbookError("xlsx-damaged") from None
        self._parts = _checked_directory(self._zip)
        if not any(name.startswith("xl/") for name in self._parts):
            raise BadWorkbookError("xlsx-not-a-workbook")
        if any(name.endswith("vbaproject.bin") for name in map(str.lower, self._parts)):
            raise BadWorkbookError("xlsx-macros")

    @cached_property
    def sheets(self) -> list[SheetPart]:
        """The worksheets in their order; charts and dialogues are none."""
        kinds = self._relations("xl/workbook.xml")
        found: list[SheetPart] = []
        for sheet in _find(self._workbook, "sheets/sheet"):
            number = next((value for name, value in sheet.attrib.items() if _ID.fullmatch(name)), "")
            kind, path = kinds.get(number, ("", ""))
            if kind.endswith(_WORKSHEET):
                hidden = sheet.get("state", "visible") != "visible"
                found.append(SheetPart(sheet.get("name", ""), hidden, path))
        return found

    @cached_property
    def since_1904(self) -> bool:
        """Whether days are counted from 1904 (old Macs) and not from 1900."""
        return any(found.get("date1904") in ("1", "true") for found in _find(self._workbook, "workbookPr"))

    @cached_property
    def date_styles(self) -> frozenset[str]:
        """The numbers of the cell styles that show a number as a date or time."""
        if "xl/styles.xml" not in self._parts:
            return frozenset()
        root = self._tree("xl/styles.xml")
        own = {node.get("numFmtId", ""): node.get("formatCode", "") for node in _find(root, "numFmts/numFmt")}
        shown = [node.get("numFmtId", "0") for node in _find(root, "cellXfs/xf")]
        return frozenset(str(place) for place, number in enumerate(shown) if _shows_date(number, own.get(number)))

    @cached_property
    def strings(self) -> list[str]:
        """The shared strings: texts that stand in cells by their number."""
        if "xl/sharedStrings.xml" not in self._parts:
            return []
        text = b"".join(self.chunks("xl/sharedStrings.xml"))
        return _strings(decoded(text), text)

    def chunks(self, path: str) -> Iterator[bytes]:
        """A part by pieces of about a megabyte, its checksum tested at the end; `xlsx-damaged`."""
        info = self._parts.get(path)
        if info is None:
            raise BadWorkbookError("xlsx-damaged")
        try:
            with self._zip.open(info) as part:
                while chunk := part.read(_CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            raise BadWorkbookError("xlsx-damaged") from None

    @cached_property
    def _workbook(self) -> ET.Element:
        return self._tree("xl/workbook.xml")

    def _tree(self, path: str) -> ET.Element:
        info = self._parts.get(path)
        if info is not None and info.file_size > SMALL_PART_MAX:
            raise BadWorkbookError("xlsx-too-large")
        return parsed(b"".join(self.chunks(path)))

    def _relations(self, path: str) -> dict[str, tuple[str, str]]:
        """Id -> kind and part of what a part refers to; what lies outside the file is left out."""
        folder, name = posixpath.split(path)
        root = self._tree(f"{folder}/_rels/{name}.rels")
        return {
            node.get("Id", ""): (
                node.get("Type", ""), posixpath.normpath(posixpath.join("/", folder, node.get("Target", "")))[1:]
            )
            for node in root
            if node.get("TargetMode") != "External"
        }  # fmt: skip


def decoded(content: bytes) -> str:
    """A part's text: UTF-8, which every writer of .xlsx uses; anything else is `xlsx-damaged`."""
    declared = _DECLARED.search(content[:200])
    if declared is not None and declared.group(1).lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii"):
        raise BadWorkbookError("xlsx-damaged")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadWorkbookError("xlsx-damaged") from None


def parsed(content: bytes | str) -> ET.Element:
    """The tree of a part, its names as in the common namespace; a document type (where entities hide) is refused."""
    if isinstance(content, str):
        content = content.encode()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise BadWorkbookError("xlsx-damaged")
    try:
        return ET.fromstring(content)  # noqa: S314 - no document type, and bounded
    except (ET.ParseError, ValueError):
        raise BadWorkbookError("xlsx-damaged") from None


def local(name: str) -> str:
    """A tag or attribute without its namespace."""
    return name.rpartition("}")[2]


def unescaped(text: str) -> str:
    """XML's five entities and numbers as their characters, and the `_x000D_` that spreadsheets write."""
    if "&" in text:
        text = parsed(f"<t>{text}</t>").text or ""
    return plain(text)


def plain(text: str) -> str:
    """`_x000D_` and its like as the characters they stand for."""
    return _ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text) if "_x" in text else text


def text_of(node: ET.Element) -> str:
    """The text of a string: plain, or its runs joined; phonetic guides (拼音) are not part of it."""
    texts: list[str] = []
    for child in node:
        if local(child.tag) == "t":
            texts.append(child.text or "")
        elif local(child.tag) == "r":
            texts += [part.text or "" for part in child if local(part.tag) == "t"]
    return plain("".join(texts))


def _checked_directory(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The parts by name, after a look at what they claim: what lies about its size fails when it is read."""
    infos = archive.infolist()
    if len(infos) > ENTRIES_MAX or sum(info.file_size for info in infos) > INFLATED_MAX:
        raise BadWorkbookError("xlsx-too-large")
    for info in infos:
        if info.file_size > _CHUNK and info.file_size > RATIO_MAX * max(1, info.compress_size):
            raise BadWorkbookError("xlsx-too-large")
        if info.flag_bits & 0x1:
            raise BadWorkbookError("xlsx-encrypted")
    parts = {info.filename.lstrip("/").replace("\\", "/"): info for info in infos}
    if len(parts) < len(infos):
        raise BadWorkbookError("xlsx-damaged")
    return parts


def _find(root: ET.Element, path: str) -> list[ET.Element]:
    """Elements under a root in the common or the strict namespace."""
    return [
        found
        for space in (_MAIN, _STRICT)
        for found in root.findall("/".join(space + step for step in path.split("/")))
    ]


def _shows_date(number: str, code: str | None) -> bool:
    if code is None:
        return number.isascii() and number.isdigit() and int(number[:9]) in _BUILT_IN_DATES
    return any(letter in "ymdhs年月日" for letter in _FORMAT_NOISE.sub("", code).lower().replace("general", ""))


def _strings(text: str, content: bytes) -> list[str]:
    """The shared strings; nearly all files hold plain ones only, for which no tree is built."""
    start = text.find("<si")
    if start < 0:
        return []
    found = _SIMPLE_STRING.findall(text)
    if "<!" not in text and len(found) == text.count("<si", start) == text.count("<t", start):
        if "&" in text or "_x" in text:
            return [unescaped(one) for one in found]
        return list(found)
    if len(content) > SMALL_PART_MAX:
        raise BadWorkbookError("xlsx-too-large")
    return [text_of(node) for node in parsed(content) if local(node.tag) == "si"]
