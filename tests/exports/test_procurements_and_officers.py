"""Money by the procurement it was paid under and by the officer who answered for it: trail, journals and packages agree
with what the gate itself counts."""

from __future__ import annotations

import json

import pytest

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.exports.ocds_package import OCDS
from fundledger.exports.touching import count
from fundledger.ids import new_id
from fundledger.trail.starts import Subject, SubjectKind
from tests.builders import CITY, DISTRICT
from tests.exports.story import Story, files, of
from tests.trail.money import ask

_PROCUREMENTS = "SELECT procurement_id, contract_paid(book, procurement_id) AS paid FROM procurement_current ORDER BY 1"
_OFFICERS = "SELECT DISTINCT officer_id FROM officer_term WHERE book = $1 ORDER BY 1"
_LEFT = """SELECT coalesce(sum(t.amount - (SELECT coalesce(sum(u.amount), 0) FROM transfer u WHERE u.book = t.book
    AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no)), 0)::bigint FROM entry e
    JOIN transfer t ON t.book = e.book AND t.entry_id = e.entry_id WHERE e.book = $1
    AND (e.officer_id = $2 OR e.supervisor_id = $2) AND e.entry_kind = ANY ($3)"""
_PAYING = ["pay", "advance", "pay_other"]


async def test_a_procurement_was_paid_what_the_gate_counts_and_its_money_has_origins(
    story: Story, auditor: Connection
) -> None:
    found = await auditor.fetch(_PROCUREMENTS)
    assert any(row["paid"] > 0 for row in found)
    for row in found:
        up = await ask(auditor, "up", Subject("procurement", row["procurement_id"]))
        assert up.asked == row["paid"] == sum(one["amount"] for one in up.origins)


@pytest.mark.parametrize(("book", "kinds"), [(DISTRICT, _PAYING), (CITY, ["release"])])
async def test_an_officer_answers_for_what_left_the_book(
    story: Story, auditor: Connection, book: int, kinds: list[str]
) -> None:
    sums = []
    for row in await auditor.fetch(_OFFICERS, book):
        subject = Subject("officer", row["officer_id"])
        expected = await auditor.fetchval(_LEFT, book, row["officer_id"], kinds)
        for direction in ("up", "down"):
            found = await ask(auditor, direction, subject, book=book)
            assert found.asked == expected
        sums.append(expected)
    assert sum(sums) > 0


async def test_a_journal_holds_every_line_under_a_procurement_and_every_line_of_an_officers_entries(
    story: Story, auditor: Connection
) -> None:
    for row in await auditor.fetch(_PROCUREMENTS):
        scope = await of(auditor, Subject("procurement", row["procurement_id"]))
        lines = await auditor.fetchval(
            """WITH mine AS (SELECT e.entry_id FROM payment_list l JOIN entry e ON e.book = l.book
                AND e.instruction_id = l.instruction_id WHERE l.procurement_id = $1 AND l.book = $2)
            SELECT count(*) FROM transfer t WHERE t.book = $2 AND (t.entry_id IN (TABLE mine)
                OR t.undoes_entry_id IN (TABLE mine) OR t.settles_entry_id IN (TABLE mine))""",
            row["procurement_id"], DISTRICT,
        )  # fmt: skip
        assert await count(auditor, scope, DISTRICT) == lines
    for row in await auditor.fetch(_OFFICERS, DISTRICT):
        scope = await of(auditor, Subject("officer", row["officer_id"]))
        lines = await auditor.fetchval(
            "SELECT sum(line_count) FROM entry WHERE book = $1 AND $2 IN (officer_id, supervisor_id)",
            DISTRICT, row["officer_id"],
        )  # fmt: skip
        assert await count(auditor, scope, DISTRICT) == lines > 0


async def test_a_package_of_a_procurement_has_that_one_only(story: Story, auditor: Connection) -> None:
    ids = [row["procurement_id"] for row in await auditor.fetch(_PROCUREMENTS)]
    assert len(ids) > 1
    for one in ids:
        (package,) = (await files(auditor, OCDS, await of(auditor, Subject("procurement", one)))).values()
        assert [release["id"].startswith(str(one)) or str(one) in json.dumps(release)
                for release in json.loads(package)["releases"]] == [True]  # fmt: skip


@pytest.mark.parametrize("kind", ["procurement", "officer"])
async def test_nobody_knows_them_in_another_book(story: Story, auditor: Connection, kind: SubjectKind) -> None:
    known = await auditor.fetchval(
        "SELECT procurement_id FROM procurement LIMIT 1" if kind == "procurement" else
        "SELECT officer_id FROM officer_term WHERE book = $1 LIMIT 1", *([] if kind == "procurement" else [DISTRICT]),
    )  # fmt: skip
    for ref, book in ((new_id(), DISTRICT), (known, CITY)):
        with pytest.raises(FundledgerError, match="trail-start-not-found"):
            await ask(auditor, "up", Subject(kind, ref), book=book)
