"""The reader's views say what the API says, are index seeks, and show nothing of persons; docs/auditors-sql.md runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from fundledger.db.connection import Connection
from fundledger.sealing.sequencer import Sequencer
from tests.builders import CITY, DISTRICT, World
from tests.exports.story import Story
from tests.stories.district_year.households import HEADS, NEW_CARDS
from tests.trail.test_plans import big_book

DOC = Path(__file__).parents[2] / "docs" / "auditors-sql.md"
EXAMPLES = dict(re.findall(r"```sql\n-- (.+?)\n(.*?)\n```", DOC.read_text(encoding="utf-8"), re.DOTALL))
VIEWS = ("账户", "凭证", "明细账", "余额表", "指标执行", "支付明细", "日志", "检查点")

Rows = list[Any]


def yuan(value: Decimal | None) -> str:
    """An amount of a view as the API writes it."""
    return f"{value or 0:.2f}"


async def api(story: Story, path: str, **params: Any) -> Any:
    """What the API answers the auditor."""
    answer = await story.year.api.get("auditor", path, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def everything(story: Story, path: str, **params: Any) -> list[Any]:
    """Every item of a list of the API."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api(story, path, limit=50, **params, **cursor)
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}


async def trial_balance(story: Story, rows: Rows) -> None:
    path = f"/v1/books/{DISTRICT}/trial-balance"
    before = {row["account_kind"]: row for row in (await api(story, path, effective_on="2019-11-30"))["rows"]}
    after = {row["account_kind"]: row for row in (await api(story, path, effective_on="2019-12-31"))["rows"]}
    moved = {kind for kind, row in after.items() if Decimal(row["received"]) or Decimal(row["given"])}
    assert {row["科目"] for row in rows} == moved
    for row in rows:
        old, new = before[row["科目"]], after[row["科目"]]
        assert yuan(row["期初余额"]) == old["balance"]
        assert yuan(row["期末余额"]) == new["balance"]
        assert row["借方发生额"] == Decimal(new["received"]) - Decimal(old["received"])
        assert row["贷方发生额"] == Decimal(new["given"]) - Decimal(old["given"])
    assert sum(row["期末余额"] for row in rows) == 0


async def as_of_a_position(story: Story, rows: Rows) -> None:
    found = await api(story, f"/v1/books/{DISTRICT}/trial-balance", position=100)
    expected = {row["account_kind"]: (row["received"], row["given"], row["balance"]) for row in found["rows"]
                if Decimal(row["received"]) or Decimal(row["given"])}  # fmt: skip
    assert {row["科目"]: (yuan(row["借方累计"]), yuan(row["贷方累计"]), yuan(row["余额"])) for row in rows} == expected
    assert expected


async def ledger(story: Story, rows: Rows) -> None:
    accounts = await everything(story, f"/v1/books/{DISTRICT}/accounts", kind="executable")
    items = await everything(story, f"/v1/books/{DISTRICT}/accounts/{accounts[0]['account_id']}/statement")
    assert [row["序号"] for row in rows] == list(range(1, len(items) + 1))
    for row, item in zip(rows, items, strict=True):
        assert (row["日志位置"], row["文号"], row["摘要"]) == (item["position"], item["document_no"], item["summary"])
        assert yuan(row["余额"]) == item["balance"]
        assert yuan(row["借方金额"] if item["side"] == "received" else row["贷方金额"]) == item["amount"]
    assert len(rows) >= 2


async def vouchers(story: Story, rows: Rows) -> None:
    assert {row["凭证类型"] for row in rows} == {"指标下达"}
    books: Counter[int] = Counter()
    for row in rows:
        book = CITY if row["借方科目名称"] == "已下达" else DISTRICT
        books[book] += 1
        entry = await api(story, f"/v1/books/{book}/entries/{row['凭证号']}")
        assert entry["effective_on"] == row["记账日期"].isoformat()
        staff = await story.year.api.world.owner.fetchval(
            "SELECT name FROM staff WHERE staff_id = $1", UUID(entry["maker_id"])
        )
        assert row["制单人"] == staff == "city-maker"
        assert row["审核人"] == "city-approver"
    assert books[CITY] == books[DISTRICT] > 0


async def allocations(story: Story, rows: Rows) -> None:
    items = await everything(story, f"/v1/books/{DISTRICT}/allocations")
    expected = Counter((item["document_no"], item["fiscal_year"], item["village_code"], item["allocated"], item["released"], item["funded"],
                        item["paid"]) for item in items)  # fmt: skip
    assert Counter((row["指标文号"], row["预算年度"], row["村"], yuan(row["已分配"]), yuan(row["已下达"]), yuan(row["已安排项目"]),
                    yuan(row["已支付"])) for row in rows) == expected  # fmt: skip
    assert len(items) > 3


async def payees(story: Story, rows: Rows) -> None:
    for row in rows:
        kind = row["收款人类型"] if row["收款人类型"] != "organisation" else "organisation"
        path = f"/v1/books/{DISTRICT}/trail/up"
        found = await api(story, path, **{f"{kind}_id": str(row["收款人"])}, limit=1_000)
        assert Decimal(found["asked"]) == row["净额"], row
    assert any(row["退回"] for row in rows)
    assert any(row["收款单位"] for row in rows)


async def same_two_people(story: Story, rows: Rows) -> None:
    counted: Counter[tuple[str, str, str]] = Counter()
    names = {
        row["staff_id"]: row["name"]
        for row in await story.year.api.world.owner.fetch("SELECT staff_id, name FROM staff")
    }
    for item in await everything(story, f"/v1/books/{DISTRICT}/entries"):
        counted[names[UUID(item["maker_id"])], names[UUID(item["approver_id"])], item["effective_on"]] += 1
    assert {(row["制单人"], row["审核人"], row["记账日期"].isoformat()): row["凭证数"] for row in rows} == {
        key: number for key, number in counted.items() if number > 1
    }
    assert rows


async def log(story: Story, rows: Rows) -> None:
    (row,) = rows
    assert row["日志大小"] == (await api(story, "/v1/log"))["size"]
    note = (await story.year.api.get("auditor", "/v1/log/checkpoint")).text
    assert str(row["已签名大小"]) == note.splitlines()[1]
    assert row["见证数"] == 0


CHECKS: dict[str, Callable[[Story, Rows], Awaitable[None]]] = {
    "trial balance": trial_balance, "as of a position": as_of_a_position, "ledger": ledger, "vouchers": vouchers,
    "allocations": allocations, "payees": payees, "same two people": same_two_people, "log": log,
}  # fmt: skip


def test_every_example_of_the_page_is_checked() -> None:
    assert list(EXAMPLES) == list(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
async def test_an_example_answers_what_the_api_answers(story: Story, auditor: Connection, name: str) -> None:
    await CHECKS[name](story, await auditor.fetch(EXAMPLES[name]))


async def test_the_running_balance_of_every_account_is_the_statement(story: Story, auditor: Connection) -> None:
    lines = await auditor.fetch("SELECT * FROM audit.明细账 ORDER BY 账套, 账户, 序号")
    assert len(lines) == 2 * await auditor.fetchval("SELECT count(*) FROM transfer")
    last: dict[tuple[int, UUID], Decimal] = {}
    for line in lines:
        key = (line["账套"], line["账户"])
        expected = last.get(key, Decimal(0)) + (line["借方金额"] or 0) - (line["贷方金额"] or 0)
        assert line["余额"] == expected == line["借方累计"] - line["贷方累计"]
        last[key] = line["余额"]
    assert last == {(row["账套"], row["账户"]): row["余额"] for row in await auditor.fetch("SELECT * FROM audit.账户")}


async def test_every_month_continues_the_one_before(auditor: Connection) -> None:
    closing: dict[tuple[int, UUID], Decimal] = {}
    for row in await auditor.fetch("SELECT * FROM audit.余额表 ORDER BY 会计期间"):
        key = (row["账套"], row["账户"])
        assert row["期初余额"] == closing.get(key, Decimal(0))
        closing[key] = row["期末余额"]
        assert row["期末余额"] == row["期初余额"] + row["借方发生额"] - row["贷方发生额"]
    assert closing == {
        (row["账套"], row["账户"]): row["余额"] for row in await auditor.fetch("SELECT * FROM audit.账户")
    }


async def test_views_hold_no_name_card_or_number_of_a_person(auditor: Connection) -> None:
    for view in VIEWS:
        text = "\n".join(map(str, await auditor.fetch(f"SELECT * FROM audit.{view}")))
        assert text, view
        for secret in [*NEW_CARDS, *(part for head in HEADS for part in head)]:
            assert secret not in text, view


SECRETS = (
    "token",
    "token_revocation",
    "idempotency",
    "payment_line_private",
    "person",
    "organisation",
    "evidence",
    "payee_account",
)
HIDDEN = (
    "SELECT sealed FROM person", "SELECT identity_hash FROM person", "SELECT name_hash FROM person", "SELECT content FROM evidence",
    "SELECT sealed FROM payee_account", "SELECT account_sealed FROM organisation", "SELECT name_salt FROM payment_line_private",
    "SELECT token_hash FROM token", "SELECT * FROM audit.yuan(1), person",
)  # fmt: skip


async def test_the_reader_reaches_no_salt_card_token_person_or_evidence(auditor: Connection) -> None:
    for query in (*(f"SELECT * FROM {table}" for table in SECRETS), *HIDDEN):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await auditor.fetch(query)


async def test_the_views_are_the_readers_alone_and_only_to_be_read(service: Connection, reader: Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.fetch("SELECT * FROM audit.凭证")
    found = await reader.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'audit'::regnamespace AND relkind = 'v'"
    )
    assert {row["relname"] for row in found} == set(VIEWS)
    await reader.execute("SET default_transaction_read_only = off")
    for statement in ("UPDATE audit.日志 SET 日志位置 = 1", "DELETE FROM audit.日志", "INSERT INTO audit.日志 (日志位置) VALUES (1)",
                      "CREATE VIEW audit.mine AS SELECT 1", "DROP VIEW audit.日志", "CREATE TABLE audit.mine (n integer)"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)


async def test_a_readers_session_holds_up_neither_sealing_nor_posting(reader: Connection, service: Connection) -> None:
    await reader.execute("SET default_transaction_read_only = off")
    for call in (
        "pg_advisory_xact_lock(hashtext('fundledger.log'))", "pg_advisory_lock(1)", "pg_try_advisory_lock(1)",
        "pg_advisory_xact_lock_shared(1, 2)", "lo_from_bytea(0, 'x')", "lo_create(0)", "pg_logical_emit_message(true, 'x', 'y')",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch(f"SELECT {call}")
    assert await service.fetchval("SELECT pg_try_advisory_xact_lock(1)")


async def test_every_column_is_chinese_and_every_view_is_explained(reader: Connection) -> None:
    rows = await reader.fetch(
        """SELECT c.relname, a.attname, obj_description(c.oid, 'pg_class') AS said FROM pg_class c
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'audit'::regnamespace AND c.relkind = 'v'"""
    )
    assert len(rows) > 90
    for row in rows:
        assert re.fullmatch("[\u4e00-\u9fff]+", row["attname"]), row["attname"]
        assert row["said"], row["relname"]


async def read(reader: Connection, owner: Connection, query: str, *values: Any) -> tuple[int, int]:
    """How many rows a query answers, and how many of `transfer`, `entry` and `log_leaf` it read for them."""
    before = await read_so_far(reader, owner)
    rows = await reader.fetch(query, *values)
    return len(rows), await read_so_far(reader, owner) - before


async def read_so_far(reader: Connection, owner: Connection) -> int:
    await reader.execute("SELECT pg_stat_force_next_flush()")
    await owner.execute("SELECT pg_stat_clear_snapshot()")
    return int(await owner.fetchval(
        "SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::bigint FROM pg_stat_user_tables WHERE relname IN ('transfer', 'entry', 'log_leaf')"
    ))  # fmt: skip


async def test_a_filtered_view_reads_what_it_answers_not_the_book(
    world: World, reader: Connection, owner: Connection
) -> None:
    _, people = await big_book(world)
    await Sequencer(world.service).seal_all()
    for table in ("log_leaf", "account_day", "payment_line", "payment_list"):
        await owner.execute(f"ANALYZE {table}")
    one = await reader.fetchrow("SELECT * FROM audit.凭证 WHERE 账套 = $1 AND 凭证字 = 'fund'", DISTRICT)
    assert one is not None
    small, payee = one["贷方账户"], people[499][1]
    for most, query, values in (
        (400, "SELECT * FROM audit.凭证 WHERE 账套 = $1 AND 凭证号 = $2", (DISTRICT, one["凭证号"])),
        (400, "SELECT * FROM audit.凭证 WHERE 文号 = $1", (one["文号"],)),
        (400, "SELECT * FROM audit.凭证 WHERE 日志位置 = $1", (one["日志位置"],)),
        (400, "SELECT * FROM audit.凭证 WHERE 收款人 = $1", (payee,)),
        (400, "SELECT * FROM audit.明细账 WHERE 账套 = $1 AND 账户 = $2", (DISTRICT, small)),
        (400, "SELECT * FROM audit.明细账 WHERE 账套 = $1 AND 账户 = (SELECT 账户 FROM audit.账户 WHERE 账套 = $1 AND 科目 = 'executable')", (DISTRICT,)),
        (400, "SELECT * FROM audit.支付明细 WHERE 收款人 = $1", (payee,)),
        (0, "SELECT * FROM audit.余额表 WHERE 账套 = $1 AND 会计期间 = '2019-03-01'", (DISTRICT,)),
        (0, "SELECT * FROM audit.指标执行 WHERE 账套 = $1", (DISTRICT,)),
        (8_000, "SELECT * FROM audit.截至余额表($1, $2)", (DISTRICT, one["日志位置"])),
        (400, "SELECT * FROM audit.日志 WHERE 日志位置 = $1", (one["日志位置"],)),
    ):  # fmt: skip
        rows, fetched = await read(reader, owner, query, *values)
        assert rows > 0, query
        assert fetched <= most, (fetched, query)
