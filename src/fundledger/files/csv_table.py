"""Small tables as CSV that a spreadsheet opens as it is: UTF-8 with a mark, CRLF, no cell that becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

BOM = "\ufeff"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows under the names of the first one's fields; nothing for no rows. None becomes an empty cell."""
    out = io.StringIO(BOM)
    out.seek(0, io.SEEK_END)
    if rows:
        writer = csv.writer(out)
        writer.writerow(rows[0])
        writer.writerows([safe(value) for value in row.values()] for row in rows)
    return out.getvalue()


def safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula is led by an apostrophe; numbers as text stay numbers."""
    if not isinstance(value, str) or not value.startswith(FORMULA) or value.lstrip("-").replace(".", "", 1).isdigit():
        return value
    return f"'{value}"
