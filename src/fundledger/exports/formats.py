"""The table of formats an export can be written in; `parts` says how to add one."""

from __future__ import annotations

from typing import Final

from fundledger.errors import problem
from fundledger.exports import delimited, gbt24589, journals, ocds_package, parquet, workbook
from fundledger.exports.parts import Format
from fundledger.exports.scope import Scope

_PARTS: Final[tuple[tuple[Format, ...], ...]] = (
    delimited.FORMATS, workbook.FORMATS, parquet.FORMATS,
    journals.FORMATS, gbt24589.FORMATS, ocds_package.FORMATS,
)  # fmt: skip

FORMATS: Final[dict[str, Format]] = {one.name: one for part in _PARTS for one in part}
"""Every format by its name."""


def format_for(name: str, scope: Scope) -> Format:
    """The format of that name, if it can write this scope; `export-format-unknown`, `export-format-unfit`."""
    found = FORMATS.get(name)
    if found is None:
        raise problem("export-format-unknown", format=name[:40], formats=list(FORMATS))
    if (scope.subject is not None and not found.of_subjects) or scope.layout not in found.layouts:
        raise problem("export-format-unfit", format=name, layouts=list(found.layouts))
    return found
