"""A worksheet written without a library and without a file on disk: rows in, the bytes of an XLSX workbook out.

For sheets that hold personal data, which no temporary file may, and for exports, whose rows the database writes as XML.
Texts are inline strings, so nothing in them is ever run as a formula and a card of 19 digits stays what it is; amounts
are numbers with two decimals, given in fen. The same rows give the same bytes. What a sheet needs in memory is its
compressed self, or nothing where it goes to a file.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO
from xml.sax.saxutils import escape

from fundledger.money import format_yuan

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | None
"""A text, an amount in fen, or nothing."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{_OFFICE}/styles" '
    'Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    # Style 1 is the built-in format 0.00, style 2 a day.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" '
    'formatCode="yyyy\\-mm\\-dd"/></numFmts><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf xfId="0"/><xf xfId="0" numFmtId="2" applyNumberFormat="1"/>'
    '<xf xfId="0" numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


class Workbook:
    """One sheet that grows row by row, in memory or in a file (which is only ever written to)."""

    def __init__(self, file: IO[bytes] | None = None, *, level: int | None = None) -> None:
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(
            self._bytes if file is None else file, "w", zipfile.ZIP_DEFLATED, compresslevel=level
        )
        for name, text in _PARTS.items():
            self._zip.writestr(_member(name), _HEAD + text)
        # By its name, not as a `_member`: only so the level counts, and its time is fixed as well.
        self._sheet = self._zip.open("xl/worksheets/sheet1.xml", "w", force_zip64=False)
        self._sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Write rows below those before."""
        self._sheet.write("".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows).encode())

    def add_xml(self, rows: bytes) -> None:
        """Write rows that are XML already."""
        self._sheet.write(rows)

    def finish(self) -> bytes:
        """The workbook, empty if it went to a file; no row is added after this."""
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._zip.close()
        return self._bytes.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    """A member with a fixed time, so that the same rows give the same bytes."""
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _cell(value: Cell) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, int):
        return f'<c s="1"><v>{format_yuan(value)}</v></c>'
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
