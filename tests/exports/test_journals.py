"""Journals are read by the programs they are written for, without an error, and hold our balances to the fen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from beancount import loader
from beancount.core import data as beans
from hypothesis import given, settings
from hypothesis import strategies as st

from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.exports import journal_beancount, journal_hledger
from fundledger.exports.gbt24589 import GBT24589
from fundledger.exports.journal_names import Account, account_of, one_line
from fundledger.exports.journals import BEANCOUNT, HLEDGER
from fundledger.exports.ocds_package import OCDS
from fundledger.exports.scope import Scope
from fundledger.trail.starts import Subject
from tests.builders import CITY, DISTRICT
from tests.databases import connected
from tests.exports.story import Story, files, of, whole
from tests.stories.district_year.households import HEADS, NEW_CARDS

IDS = """SELECT a.book, a.account_id, a.account_kind, k.name_zh, k.is_source, k.is_terminal, a.allocation_id, a.budget_line_id,
    coalesce(l.document_no, n.document_no) AS document_no, a.project_id, p.code AS project_code, a.exec_year, a.payee_id,
    account_side_at(b.book, b.account_id, true, b.received, $1) - account_side_at(b.book, b.account_id, false, b.given, $1) AS fen
FROM account a JOIN account_kind k USING (account_kind) JOIN account_balance b USING (book, account_id)
LEFT JOIN allocation l USING (book, allocation_id)
LEFT JOIN budget_line n ON n.book = a.book AND n.budget_line_id = a.budget_line_id
LEFT JOIN project p ON p.book = a.book AND p.project_id = a.project_id AND p.version = 1"""


async def ours(reader: Connection, scope: Scope) -> Counter[str]:
    """Every account's balance in fen at the scope's position, by its name, from the totals its transfers stored."""
    rows = await reader.fetch(IDS, scope.position)
    return Counter({account_of(row).name: row["fen"] for row in rows if row["fen"]})


def hledger(*arguments: str, given: str | None = None) -> str:
    """What hledger says; a missing hledger fails where it must be there (FUNDLEDGER_NEED_HLEDGER=1), else skips."""
    if shutil.which("hledger") is None:
        if os.environ.get("FUNDLEDGER_NEED_HLEDGER") == "1":
            pytest.fail("hledger is not installed, and FUNDLEDGER_NEED_HLEDGER=1 says it must be")
        pytest.skip("hledger is not installed (Debian: apt-get install hledger)")
    done = subprocess.run(["hledger", *arguments], input=given, capture_output=True, encoding="utf-8", check=False,
                          env={**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_with_hledger(path: Path) -> Counter[str]:
    """Everything hledger can check, and the balances it finds, in fen."""
    hledger("-f", str(path), "check", "--strict", "ordereddates")
    report = hledger("-f", str(path), "balance", "--flat", "--no-total", "--no-elide", "-O", "csv", "--layout", "bare")
    rows = [line.strip('"').split('","') for line in report.splitlines()[1:]]
    assert {row[1] for row in rows} <= {"CNY"}
    return Counter({name: int(Decimal(amount) * 100) for name, _, amount in rows if Decimal(amount)})


def load_with_beancount(text: str) -> tuple[list[Any], Counter[str]]:
    """The directives beancount finds (no error among them), and the balances of its postings, in fen."""
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    held: Counter[str] = Counter()
    for entry in entries:
        if isinstance(entry, beans.Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                assert posting.units.currency == "CNY"
                held[posting.account] += int((posting.units.number or Decimal(0)) * 100)
    return entries, Counter({name: fen for name, fen in held.items() if fen})


async def test_beancount_loads_the_whole_year_and_holds_our_balances(auditor: Connection) -> None:
    scope = await whole(auditor)
    found: Counter[str] = Counter()
    entries: list[Any] = []
    for data in (await files(auditor, BEANCOUNT, scope)).values():
        some, held = load_with_beancount(data.decode())
        entries += some
        found.update(held)
    assert found == await ours(auditor, scope)
    transactions = [entry for entry in entries if isinstance(entry, beans.Transaction)]
    assert len(transactions) == await auditor.fetchval("SELECT count(*) FROM entry")
    assert sum(len(one.postings) for one in transactions) == 2 * await auditor.fetchval("SELECT count(*) FROM transfer")
    assert sum(isinstance(entry, beans.Balance) for entry in entries) > len(found)


async def test_hledger_checks_the_whole_year_and_holds_our_balances(auditor: Connection, tmp_path: Path) -> None:
    scope = await whole(auditor)
    found: Counter[str] = Counter()
    for name, data in (await files(auditor, HLEDGER, scope)).items():
        (tmp_path / name).write_bytes(data)
        found.update(check_with_hledger(tmp_path / name))
    assert found == await ours(auditor, scope)


async def test_a_changed_amount_is_noticed_by_either(auditor: Connection, tmp_path: Path) -> None:
    scope = await whole(auditor)
    text = (await files(auditor, BEANCOUNT, scope))[f"{DISTRICT}.beancount"].decode()
    amount = re.search(r"  ([0-9]+\.[0-9]{2}) CNY\n    line", text)
    assert amount is not None
    forged = text.replace(f"  {amount[1]} CNY\n", "  123456.78 CNY\n").replace(
        f"  -{amount[1]} CNY\n", "  -123456.78 CNY\n"
    )
    assert loader.load_string(forged)[1] != []
    journal = (await files(auditor, HLEDGER, scope))[f"{DISTRICT}.journal"].decode()
    path = tmp_path / "forged.journal"
    path.write_text(journal.replace(f"{amount[1]} CNY  ;", "123456.78 CNY  ;"), encoding="utf-8")
    with pytest.raises(AssertionError, match="assertion"):
        hledger("-f", str(path), "check")


async def test_a_journal_as_of_an_earlier_position_is_what_was_known_then(auditor: Connection) -> None:
    head = (await whole(auditor)).position
    for position in (head // 2, 3 * head // 4, head - 1):
        scope = await whole(auditor, position)
        found: Counter[str] = Counter()
        for data in (await files(auditor, BEANCOUNT, scope)).values():
            found.update(load_with_beancount(data.decode())[1])
        assert found == await ours(auditor, scope)
        again = await files(auditor, BEANCOUNT, scope)
        assert again == await files(auditor, BEANCOUNT, scope)


async def subjects(reader: Connection) -> list[Subject]:
    """One of every kind of thing a journal can be asked of."""
    one = reader.fetchrow
    line = await one(
        "SELECT * FROM transfer WHERE book = $1 AND payee_id IS NOT NULL ORDER BY entry_id, line_no LIMIT 1", DISTRICT
    )
    release = await one("SELECT * FROM entry WHERE book = $1 AND entry_kind = 'release'", DISTRICT)
    account = await one("SELECT * FROM account WHERE book = $1 AND account_kind = 'advanced'", DISTRICT)
    village = await one("SELECT * FROM allocation WHERE village_code IS NOT NULL AND book = $1", DISTRICT)
    household = await one(
        "SELECT h.* FROM household h JOIN transfer t ON t.book = h.book AND t.payee_id = h.household_id"
    )
    procurement = await reader.fetchval(
        "SELECT procurement_id FROM payment_list WHERE book = $1 AND procurement_id IS NOT NULL LIMIT 1", DISTRICT
    )
    assert procurement
    assert line
    assert release
    assert account
    assert village
    assert household
    return [
        Subject("line", line["entry_id"], line["line_no"]), Subject("entry", line["entry_id"]),
        Subject("release", release["entry_id"]), Subject("document", village["document_no"]),
        Subject("allocation", account["allocation_id"]), Subject("project", account["project_id"]),
        Subject("village", village["village_code"]), Subject("household", household["household_id"]),
        Subject("organisation", account["payee_id"]), Subject("procurement", procurement),
        Subject("officer", release["officer_id"]),
    ]  # fmt: skip


async def test_a_journal_of_any_subject_balances(auditor: Connection, tmp_path: Path) -> None:
    for subject in await subjects(auditor):
        scope = await of(auditor, subject)
        beancount, journal = await files(auditor, BEANCOUNT, scope), await files(auditor, HLEDGER, scope)
        assert beancount
        for name, data in beancount.items():
            held = load_with_beancount(data.decode())[1]
            assert sum(held.values()) == 0
            path = tmp_path / f"{subject.kind}-{name}.journal"
            path.write_bytes(journal[name.replace("beancount", "journal")])
            assert check_with_hledger(path) == held


async def test_the_accounts_of_an_allocation_hold_what_they_hold_in_the_book(auditor: Connection) -> None:
    allocation = await auditor.fetchval("SELECT allocation_id FROM account WHERE account_kind = 'advanced'")
    scope = await of(auditor, Subject("allocation", allocation))
    found: Counter[str] = Counter()
    for data in (await files(auditor, BEANCOUNT, scope)).values():
        found.update(load_with_beancount(data.decode())[1])
    assert {name: fen for name, fen in found.items() if str(allocation) in name} == {
        name: fen for name, fen in (await ours(auditor, scope)).items() if str(allocation) in name
    }


async def test_nothing_to_export_is_told(auditor: Connection) -> None:
    for one in (HLEDGER, BEANCOUNT, GBT24589):
        for scope in (await whole(auditor, -1), await of(auditor, Subject("person", UUID(int=0)))):
            with pytest.raises(FundledgerError, match="export-empty"):
                await files(auditor, one, scope)


async def test_a_household_takes_nothing_of_its_neighbours_with_it(auditor: Connection) -> None:
    household = await auditor.fetchval(
        "SELECT h.household_id FROM household h JOIN transfer t ON t.book = h.book AND t.payee_id = h.household_id LIMIT 1"
    )
    payees = {
        str(row["payee_id"])
        for row in await auditor.fetch("SELECT DISTINCT payee_id FROM transfer WHERE payee_id IS NOT NULL")
    }
    text = b"".join(
        (await files(auditor, HLEDGER, await of(auditor, Subject("household", household)))).values()
    ).decode()
    assert set(re.findall(r"payee:([0-9a-f-]{36})", text)) == {str(household)}
    assert str(household) in payees
    assert len(payees) > 3


async def test_journals_hold_no_name_card_or_number_of_a_person(auditor: Connection) -> None:
    text = b"".join([
        data for one in (HLEDGER, BEANCOUNT) for data in (await files(auditor, one, await whole(auditor))).values()
    ]).decode()  # fmt: skip
    for secret in [*NEW_CARDS, *(part for head in HEADS for part in head)]:
        assert secret not in text


hostile = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60) | st.sampled_from([
    '"', "\\", '\\"', "; 注释", "a | b", "a  b", "\n2019-01-01 open Assets:X", "= 5 CNY", ")", "(x", "*", "!", "{", "#tag ^link",
    "\u2028next", "\r\n  Assets:X  1 CNY", "date:2020-01-01", "\t", "　", "@@ 5 USD", "日期:〔2019〕", "\U0001f4b0", "%", "~",
])  # fmt: skip


def row_of(document_no: str, summary: str, code: str) -> tuple[dict[str, Any], Account, Account]:
    """A line between two accounts whose names were typed by somebody."""
    ids = [UUID(int=number) for number in range(1, 9)]
    side = {"book": CITY, "is_source": False, "is_terminal": False, "account_kind": "available", "name_zh": "项目可用", "allocation_id": ids[0],
            "budget_line_id": None, "document_no": document_no, "project_id": ids[1], "project_code": code, "exec_year": 2019, "payee_id": None}  # fmt: skip
    row = {"position": 1, "effective_on": "2019-03-01", "entry_id": ids[2], "entry_kind": "pay", "document_no": document_no,
           "summary": summary, "maker_id": ids[3], "approver_id": ids[4], "payer_id": ids[5], "line_no": 1, "amount": 1, "payee_id": ids[6]}  # fmt: skip
    return row, account_of(side), account_of({**side, "payee_id": ids[7], "account_kind": "advanced"})


@given(hostile, hostile, hostile)
def test_no_text_breaks_out_of_a_beancount_string_or_name(document_no: str, summary: str, code: str) -> None:
    row, debit, credit = row_of(document_no, summary, code)
    text = "".join([f"2019-01-01 open {one.name} CNY\n" for one in (debit, credit)])
    text += journal_beancount.transaction(row) + journal_beancount.postings(row, debit, credit)
    entries, held = load_with_beancount(text)
    assert held == {debit.name: 1, credit.name: -1}
    (transaction,) = [entry for entry in entries if isinstance(entry, beans.Transaction)]
    assert transaction.payee == one_line(document_no)
    assert transaction.narration == one_line(summary)
    assert (transaction.tags, transaction.links) == (frozenset(), frozenset())


@settings(max_examples=25, deadline=None)  # each example is three processes
@given(st.lists(st.tuples(hostile, hostile, hostile), min_size=20, max_size=20))
def test_no_text_breaks_out_of_an_hledger_line_or_name(texts: list[tuple[str, str, str]]) -> None:
    journal, names = "commodity 1000.00 CNY\n", set()
    for number, (document_no, summary, code) in enumerate(texts):
        row, debit, credit = row_of(document_no, summary, code)
        names |= {debit.name, credit.name}
        journal += journal_hledger.transaction({**row, "position": number}) + journal_hledger.postings(
            row, debit, credit
        )
    journal = "".join(f"account {name}\n" for name in sorted(names)) + journal
    hledger("-f", "-", "check", "--strict", given=journal)
    assert re.search(r"Transactions\s+: 20 ", hledger("-f", "-", "stats", given=journal))
    assert set(hledger("-f", "-", "accounts", "--used", given=journal).split()) == names


async def test_the_service_writes_the_same_bytes_as_the_reader(story: Story, auditor: Connection) -> None:
    scope = await whole(auditor)
    async with connected(story.db.service_url) as service:
        for one in (HLEDGER, BEANCOUNT, GBT24589, OCDS):
            assert await files(service, one, scope) == await files(auditor, one, scope)


async def test_a_release_is_in_both_books_with_the_same_sum(auditor: Connection) -> None:
    release = await auditor.fetchrow("SELECT * FROM entry WHERE book = $1 AND entry_kind = 'release' LIMIT 1", CITY)
    assert release is not None
    found = await files(auditor, HLEDGER, await of(auditor, Subject("release", release["entry_id"]), CITY))
    assert set(found) == {f"{CITY}.journal", f"{DISTRICT}.journal"}
    for data in found.values():
        paid = re.findall(r"  ([0-9.]+) CNY  ; line", data.decode())
        assert sum(int(Decimal(amount) * 100) for amount in paid) == release["total"]
