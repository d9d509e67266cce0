"""公共档案 of GB/T 24589: what the codes in 总账 mean. Persons and households are ids, organisations have names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from fundledger.db.connection import Connection
from fundledger.exports import gbt24589_rows as rows
from fundledger.exports import gbt24589_tables as tables
from fundledger.exports.gbt24589_ledger import ITEMS, source_of
from fundledger.exports.gbt24589_tables import record
from fundledger.exports.scope import Scope
from fundledger.exports.texts import Texts
from fundledger.exports.touching import used_accounts


async def write_public(connection: Connection, scope: Scope, book: int, year: rows.Year, sink: Texts) -> int:
    """Write the body of 公共档案; it has no voucher lines, so 0."""
    place, kinds, units, classes = await rows.basics(connection, scope, book)
    for text in _basics(place["name"], book, year, kinds, units):
        await sink.put(text)
    async for batch in rows.payees(connection, scope, book):
        for payee in batch:
            if payee["name"] is not None:
                await sink.put(record(tables.SUPPLIER, 供应商编码=str(payee["payee_id"]), 供应商名称=payee["name"]))
    for code, name, meaning in ITEMS:
        await sink.put(record(tables.FILE, 档案编码=code, 档案名称=name, 档案描述=meaning, 是否有层级特征="0"))
    for value in _archive(await used_accounts(connection, scope, book), classes):
        await sink.put(_value(*value))
    async for batch in rows.payees(connection, scope, book):
        for payee in batch:
            payee_id = str(payee["payee_id"])
            await sink.put(_value("SK", payee_id, payee["name"] or payee_id, payee["kind"] or "个人或户"))
    return 0


def _basics(name: str, book: int, year: rows.Year, kinds: Iterable[Any], units: Iterable[Any]) -> Iterator[str]:
    """The book, its periods, kinds of voucher, currency, settlement and departments."""
    yield record(
        tables.BOOK, 电子账簿编号=str(book), 电子账簿名称=f"{name}扶贫资金账", 会计核算单位=f"{name}财政局",
        组织机构代码=str(book), 单位性质="行政单位", 行业="国家机构", 开发单位="fundledger", 版本号="1",
        本位币="人民币",
        会计年度=str(year.year), 标准版本号=tables.STANDARD,
    )  # fmt: skip
    for month in range(1, 13):
        first = date(year.year, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        yield record(
            tables.PERIOD, 会计年度=str(year.year), 会计期间号=str(month), 会计期间起始日期=f"{first:%Y%m%d}",
            会计期间结束日期=f"{last:%Y%m%d}",
        )  # fmt: skip
    for kind in kinds:
        yield record(tables.VOUCHER_TYPE, 记账凭证类型编号=kind["entry_kind"], 记账凭证类型名称=kind["name_zh"])
    yield record(tables.CURRENCY, 币种编码="CNY", 币种名称="人民币")
    yield record(tables.SETTLEMENT, 结算方式编码="transfer", 结算方式名称="转账")
    for unit in units:
        yield record(tables.DEPARTMENT, 部门编码=str(unit["unit_id"]), 部门名称=unit["name"])


def _value(code: str, value: str, name: str, description: str) -> str:
    return record(
        tables.FILE_VALUE, 档案编码=code, 档案值编码=value, 档案值名称=name, 档案值描述=description, 档案值级次="1"
    )


def _archive(accounts: Iterable[Any], classes: Iterable[Any]) -> list[tuple[str, str, str, str]]:
    """Every value of the subsidiary items but payees: file, code, name, description; each once."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in accounts:
        kind = "指标" if row["allocation_id"] is not None else "预算科目"
        where = f"{kind} {row['fund_name']} {row['fiscal_year']} {row['village_code'] or ''}".strip()
        found["ZB", source_of(row)] = (row["document_no"], where)
        if row["project_id"] is not None:
            found["XM", str(row["project_id"])] = (row["project_name"] or "", row["project_code"] or "")
        found["ZN", str(row["exec_year"])] = (str(row["exec_year"]), "")
        found["ZJ", row["fund_code"]] = (row["fund_name"], "")
        found["YN", str(row["fiscal_year"])] = (str(row["fiscal_year"]), "")
    for row in classes:
        found["GN", row["functional_class"]] = (row["functional_class"], "")
        found["JJ", row["economic_class"]] = (row["economic_class"], "")
    order = [code for code, _, _ in ITEMS]
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1]))
    return [(code, value, *found[code, value]) for code, value in keys]
