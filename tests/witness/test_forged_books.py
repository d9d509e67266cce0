"""A bureau that seals a false book with its own keys: its tree is in order, and the monitor names what can't be true."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fundledger.witness.alarms import acknowledge
from fundledger.witness.monitor import watch
from tests.builders import CITY, DISTRICT
from tests.databases import Database
from tests.sealing.sealed import seal
from tests.web import Api
from tests.witness.bureau import Bureau, Item, Record, bureau_of, later
from tests.witness.test_follow import watching
from tests.witness.test_monitor import ALL, busy


@pytest.fixture
async def bureau(api: Api, db: Database, tmp_path: Path) -> Bureau:
    await busy(api.world)
    return await bureau_of(watching(api, await seal(db, tmp_path), tmp_path / "honest"))


def advanced(line: Record, entry_kind: str) -> Record:
    """A line of a payment as one of an advance, or of what settles it."""
    made = copy.deepcopy(line)
    kinds = ("available", "advanced") if entry_kind == "advance" else ("advanced", "paid")
    for side, kind in zip(("credit", "debit"), kinds, strict=True):
        made[side] |= {"kind": kind, "payee_id": made["payee_id"] if kind == "advanced" else None}
    return {**made, "v": 2, "settles": None, "reissues": None}


def returned(bureau: Bureau, paid: Item) -> Item:
    """The first line of a payment comes back."""
    made = bureau.post(paid, entry_kind="return", payer_id=None, list=None)
    line = made.lines[0]  # type: ignore[index]
    line |= {"debit": line["credit"], "credit": line["debit"], "payment": None}
    line["undoes"] = {"entry_id": paid.header["entry_id"], "line_no": 1, "before": "0.00"}
    made.lines = [line]
    return made


def reissued(bureau: Bureau, paid: Item) -> Item:
    """It is paid again."""
    made = bureau.post(paid)
    line = {**made.lines[0], "v": 2, "settles": None}  # type: ignore[index]
    for side in ("debit", "credit"):
        line[side] = {**line[side], "payee_id": None}
    line["reissues"] = {"entry_id": paid.header["entry_id"], "line_no": 1}
    made.lines = [line]
    return made


def settled(bureau: Bureau, of: Callable[[Item, Item], Item]) -> None:
    """An advance, and a settlement of the advance or of another line."""
    paid = bureau.entry("pay")
    advance = bureau.post(paid, entry_kind="advance")
    advance.lines = [advanced(paid.lines[0], "advance")]  # type: ignore[index]
    settle = bureau.post(paid, entry_kind="settle", payer_id=None, list=None)
    line = {**advanced(paid.lines[0], "settle"), "payment": None}  # type: ignore[index]
    settle.lines = [{**line, "settles": {"entry_id": of(advance, paid).header["entry_id"], "line_no": 1}}]


def nothing(bureau: Bureau) -> None:
    """An honest bureau."""


def an_honest_return(bureau: Bureau) -> None:
    paid = bureau.entry("pay")
    returned(bureau, paid)
    reissued(bureau, paid)


def an_honest_settlement(bureau: Bureau) -> None:
    settled(bureau, lambda advance, _: advance)


def an_honest_crossing(bureau: Bureau) -> None:
    crossing = {"crossing_id": str(uuid4()), "instruction_id": str(uuid4())}
    for book in (CITY, DISTRICT):
        bureau.post(bureau.entry("release", str(book)), **crossing)


def no_approver(bureau: Bureau) -> None:
    bureau.entry("pay").header["approver_id"] = None


def no_payer(bureau: Bureau) -> None:
    bureau.entry("pay").header["payer_id"] = None


def posted_twice(bureau: Bureau) -> None:
    paid = bureau.entry("pay")
    bureau.post(paid, instruction_id=paid.header["instruction_id"])


def released_into_nothing(bureau: Bureau) -> None:
    bureau.post(bureau.entry("release", str(CITY)), crossing_id=None)


def received_from_nothing(bureau: Bureau) -> None:
    bureau.post(bureau.entry("release", str(DISTRICT)), crossing_id=None)


def crossed_to_another_allocation(bureau: Bureau) -> None:
    an_honest_crossing(bureau)
    for line in bureau.items[-1].lines or ():
        other = str(uuid4())
        line["debit"]["allocation_id"] = line["credit"]["allocation_id"] = other


def from_budget_to_a_payee(bureau: Bureau) -> None:
    made = bureau.post(bureau.entry("fund"))
    for line in made.lines or ():
        line["debit"]["kind"], line["credit"]["kind"] = "paid", "budget_source"


def paid_from_another_project(bureau: Bureau) -> None:
    made = bureau.post(bureau.entry("pay"))
    for line in made.lines or ():
        line["debit"]["project_id"] = str(uuid4())


def paid_again_twice(bureau: Bureau) -> None:
    paid = bureau.entry("pay")
    returned(bureau, paid)
    reissued(bureau, paid)
    reissued(bureau, paid)


def paid_again_without_return(bureau: Bureau) -> None:
    reissued(bureau, bureau.entry("pay"))


def settled_of_a_payment(bureau: Bureau) -> None:
    settled(bureau, lambda _, paid: paid)


def twice_under_two_versions(bureau: Bureau) -> None:
    again = copy.deepcopy(next(item for item in bureau.items if item.kind == "approval"))
    again.version = 2
    bureau.items.append(again)


CASES: list[tuple[Callable[[Bureau], None], str | None]] = [
    (nothing, None), (an_honest_return, None), (an_honest_settlement, None), (an_honest_crossing, None),
    (no_approver, "record-unreadable"), (no_payer, "same-person"), (posted_twice, "posted-twice"),
    (released_into_nothing, "crossing-unpaired"), (received_from_nothing, "crossing-unpaired"),
    (crossed_to_another_allocation, "crossing-differs"), (from_budget_to_a_payee, "account-kinds"),
    (paid_from_another_project, "account-kinds"), (paid_again_twice, "reissue-twice"),
    (paid_again_without_return, "reissue-twice"), (settled_of_a_payment, "settle-unknown"),
    (twice_under_two_versions, "record-differs"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), CASES, ids=[case[0].__name__ for case in CASES])
async def test_a_false_book_in_a_sound_tree_is_named(
    change: Callable[[Bureau], None], code: str | None, bureau: Bureau, tmp_path: Path
) -> None:
    change(bureau)
    watched = await watch(later(bureau.seal().witness(tmp_path / "w"), 1_000), recheck=0)
    assert (watched.fault or "[None @").startswith(f"[{code} @"), watched.fault


async def test_a_record_that_calls_itself_of_the_future_is_due_all_the_same(bureau: Bureau, tmp_path: Path) -> None:
    paid = bureau.post(bureau.entry("pay"), recorded_at="9998-01-01T00:00:00.000000Z")
    bureau.items.remove(next(item for item in reversed(bureau.items) if item.kind == "approval"))
    witness = bureau.seal().witness(tmp_path / "w")
    assert (await watch(witness, recheck=0)).fault is None
    fault = (await watch(later(witness, 61), recheck=0)).fault
    assert fault is not None
    assert fault.startswith("[approval-missing @")
    assert paid.header["entry_id"] in fault


def unreadable_header(bureau: Bureau) -> None:
    bureau.entry("pay").raw = "not a record"


def unreadable_line(bureau: Bureau) -> None:
    bureau.entry("pay").lines[0]["quantity"] = 1  # type: ignore[index]


def undone_from_nowhere(bureau: Bureau) -> None:
    made = returned(bureau, bureau.entry("pay"))
    made.lines[0]["undoes"]["entry_id"] = str(uuid4())  # type: ignore[index]


def settled_from_nowhere(bureau: Bureau) -> None:
    settled(bureau, lambda _, __: Item({"entry_id": str(uuid4())}, None, 1))


@pytest.mark.parametrize(
    "change", [unreadable_header, unreadable_line, undone_from_nowhere, settled_from_nowhere, posted_twice]
)
async def test_what_was_acknowledged_is_passed_over_and_the_reading_goes_on(
    change: Callable[[Bureau], Any], bureau: Bureau, tmp_path: Path
) -> None:
    change(bureau)
    witness = bureau.seal().witness(tmp_path / "w")
    told = set()
    while (watched := await watch(witness, recheck=0)).fault is not None:
        mark = watched.fault.partition("]")[0]
        assert mark not in told, watched.fault
        told.add(mark)
        acknowledge(witness.store, "known", 5)
    assert told
    assert watched.size == len(bureau.items)
    assert (await watch(witness, recheck=ALL)).fault is None
    bureau.post(bureau.entry("fund"))
    bureau.seal()
    grown = await watch(witness, recheck=ALL)
    assert (grown.fault, grown.size) == (None, len(bureau.items))
