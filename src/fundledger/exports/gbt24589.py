"""A scope as data of China's audit interface for accounting software, GB/T 24589.1—2010: two XML files a book and year.

公共档案 (`gbt24589_public`) says what the codes are; 总账 (`gbt24589_ledger`) has accounts, subsidiary items, balances
by month and voucher lines. A book is a 账套, a kind of account a 科目 (codes of our own, official names); allocation,
project, execution year, payee, fund, budget year and the two classifications are 辅助核算. A line is two voucher lines,
debits odd, credits even; an entry of more than 49,999 lines makes several: line numbers have five digits.
Never checked against an official schema (none is public): the files say so themselves. `gbt24589_tables` is the
standard, `gbt24589_rows` the SQL.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from fundledger.db.connection import Connection
from fundledger.exports import gbt24589_rows as rows
from fundledger.exports import gbt24589_tables as tables
from fundledger.exports.gbt24589_ledger import write_ledger
from fundledger.exports.gbt24589_public import write_public
from fundledger.exports.journal_names import one_line
from fundledger.exports.parts import Format, Output, Part
from fundledger.exports.scope import Scope
from fundledger.exports.texts import Texts
from fundledger.exports.touching import described, some

PUBLIC, LEDGER = 1, 2
FILES: Final = {PUBLIC: "public-archives", LEDGER: "general-ledger"}


async def _parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    """公共档案 and 总账 of every book and year with lines of the scope."""
    number = 0
    for book in scope.books:
        for year in await rows.years(connection, scope, book):
            for which, title in FILES.items():
                number += 1
                count = 2 * year.lines if which == LEDGER else 0
                yield Part(number, f"{book}-{year.year}-{title}.xml", count, (book, year.year, which))


def parts(connection: Connection, scope: Scope) -> AsyncIterator[Part]:
    """The files; `export-empty` if there is none."""
    return some(scope, _parts(connection, scope))


async def write(connection: Connection, scope: Scope, file: Output, part: Part) -> int:
    """Write one of the files; the number of voucher lines in it."""
    book, number, which = part.key
    year = next(one for one in await rows.years(connection, scope, book) if one.year == number)
    sink = Texts(file, tables.ENCODING)
    root = "公共档案" if which == PUBLIC else "总账"
    await sink.put(_head(root, scope, book, year))
    write_body = write_public if which == PUBLIC else write_ledger
    written = await write_body(connection, scope, book, year, sink)
    await sink.put(f"</{root}>\n")
    await sink.flush()
    return written


def _head(root: str, scope: Scope, book: int, year: rows.Year) -> str:
    what = described(scope).replace("--", "- -").replace("<", "(").replace(">", ")")
    return (
        f'<?xml version="1.0" encoding="{tables.ENCODING}"?>\n<!-- fundledger 1 · 账套 {book} · {year.year} · '
        f"截至日志序号 {scope.position} · {one_line(what)}\n"
        "本文件按 GB/T 24589.1—2010 的公开资料编制，未经官方 XML 模式校验；\n"
        "元素名称、顺序、类型、长度取自公开清单，预算会计的对应关系由本系统自定。\n"
        "Not checked against an official schema: names, order, types and lengths are from a public list of the\n"
        "standard, the mapping to budget accounting is this system's own. -->\n"
        f'<{root} xmlns="{tables.NAMESPACE}">\n'
    )


GBT24589: Final = Format(
    "gbt24589",
    "application/xml",
    ".xml",
    "审计数据接口 GB/T 24589.1—2010（未经官方模式校验）",
    "audit data interface GB/T 24589.1—2010 (not checked against an official schema)",
    parts,
    write,
    unchecked="GB/T 24589.1—2010: no official XML schema was at hand; element names, order, types and lengths are from "
    "public readings of the standard, the mapping to budget accounting is fundledger's own (docs/journals.md)",
)
FORMATS: Final = (GBT24589,)
