"""One payment with everything that five-to-district asks for, as fields a test can spoil one by one.

`Case.build` makes the records through the service's grants and the gate, up to a draft list that nobody approved;
`preview` and `pay` say what the gate refuses.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from fundledger.book.instructions import Leg
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book.attackers import codes_of
from tests.builders import (
    DISTRICT,
    TODAY,
    VILLAGE,
    World,
    card_of,
    decisions,
    insert,
    insertion,
    notices,
    parts,
)

Hook = Callable[["Built"], Awaitable[None]]


@dataclass
class Built:
    """What `Case.build` made."""

    world: World
    case: Case
    allocation: UUID
    project: UUID
    household: UUID
    person: UUID
    pay_list: UUID
    procurement: UUID

    @property
    def recorder(self) -> UUID:
        """Who records the outer world here."""
        return self.world.who("district-maker").staff_id

    async def preview(self) -> set[str]:
        """What the preview says of the list."""
        rows = await self.world.service.fetch("SELECT code FROM payment_faults($1, $2)", DISTRICT, self.pay_list)
        return {row["code"] for row in rows}

    async def pay(self) -> set[str]:
        """Approve and pay; the codes of the refusal, or nothing when it was paid."""
        try:
            await self.world.approve_list(self.pay_list)
            for hook in self.case.after_approval:
                await hook(self)
            await self.world.pay(self.pay_list)
        except (asyncpg.PostgresError, FundledgerError) as refusal:
            return codes_of(refusal)
        return set()

    async def status(self, subject: UUID, status: str, since: date = date(2019, 1, 1)) -> None:
        """A newer status of a household or person."""
        await insert(self.world.service, "registry_status", {
            "book": DISTRICT, "subject_id": subject, "valid_from": since, "version": 1, "status": status,
            "document_no": "档2号", "recorded_by": self.recorder,
        })  # fmt: skip

    async def roster(self, action: str, since: date = date(2019, 1, 1)) -> None:
        """A newer roster row of the payee."""
        payee = self.household if self.case.payee_kind == "household" else self.person
        await insert(self.world.service, "roster_member", {
            "book": DISTRICT, "programme_code": self.case.programme, "payee_id": payee, "valid_from": since, "version": 1,
            "action": action, "document_no": "册2号", "recorded_by": self.recorder,
        })  # fmt: skip

    async def _newest(self) -> dict[str, Any]:
        row = await self.world.service.fetchrow(
            "SELECT * FROM project_current WHERE book = $1 AND project_id = $2", DISTRICT, self.project
        )
        assert row is not None
        return {key: value for key, value in dict(row).items() if key != "recorded_at"}

    async def suspended(self) -> None:
        """The project rests: the next version, by an approver of the poverty office."""
        row, who = await self._newest(), self.world.who("poverty-approver")
        await insert(self.world.service, "project", {
            **row, "version": row["version"] + 1, "status": "suspended", "recorded_by": who.staff_id,
            "decided_by_unit_id": who.unit_id,
        })  # fmt: skip

    async def changed(self, **fields: Any) -> None:
        """The project is changed: proposed anew, reviewed and approved."""
        row = await self._newest()
        version = row["version"] + 1
        new = {**row, "version": version, "proposed_version": version, "status": "proposed", "recorded_by": self.recorder,
               "decided_by_unit_id": None, **fields}  # fmt: skip
        deciders = await self.world.deciders(new)
        await self.world.service.execute(insertion("project", new) + parts(new) + decisions(new, deciders))

    async def as_of_the_first_schema(self, **fields: Any) -> None:
        """The next version as a database of the first schema may hold it, past the rules of the library."""
        row = await self._newest()
        owner = self.world.owner
        await owner.execute("ALTER TABLE project DISABLE TRIGGER project_guard")
        await insert(owner, "project", {**row, "version": row["version"] + 1, **fields})
        await owner.execute("ALTER TABLE project ENABLE TRIGGER project_guard")

    async def notice_of_the_first_schema(self, amount: int, start: date, end: date) -> None:
        """A notice of the list with any amount, as the first schema let it be published."""
        await self.world.owner.execute(
            """WITH made AS (
               INSERT INTO notice (book, notice_id, version, subject_kind, subject_id, level, channel, published_from, published_to,
                                   amount, document_no, recorded_by, order_no, recorded_at)
               VALUES ($1, $2, 1, 'payment_list', $3, 'village', '村务公开栏', $4, $5, $6, '公示1号', $7, nextval('record_order'), now())
               RETURNING *)
               INSERT INTO log_queue (order_no, book, kind, record_id, version)
               SELECT order_no, book, 'notice', notice_id, version FROM made""",
            DISTRICT, new_id(), self.pay_list, start, end, amount, self.recorder,
        )  # fmt: skip

    async def objection(self, subject: UUID, *steps: dict[str, Any]) -> None:
        """An objection to a notice about the project or the list, and what became of it."""
        notice = await self.world.service.fetchval("SELECT notice_id FROM notice WHERE subject_id = $1", subject)
        row = {
            "book": DISTRICT, "objection_id": new_id(), "notice_id": notice, "subject_id": subject, "received_on": date(2019, 2, 1),
            "kind": "amount", "received_by": "visit", "document_no": "异1号",
        }  # fmt: skip
        for version, step in enumerate(({"state": "open"}, *steps), start=1):
            who = self.recorder if version == 1 else self.world.who("township-approver").staff_id
            await insert(
                self.world.service, "notice_objection", {**row, "version": version, "recorded_by": who, **step}
            )

    async def procurement_version(self, **fields: Any) -> None:
        """The next version of the procurement."""
        row = await self.world.service.fetchrow(
            "SELECT * FROM procurement_current WHERE book = $1 AND procurement_id = $2", DISTRICT, self.procurement
        )
        assert row is not None
        kept = {key: value for key, value in dict(row).items() if key != "recorded_at"}
        await insert(self.world.service, "procurement", {**kept, "version": row["version"] + 1, **fields})

    async def accepted(self, **fields: Any) -> None:
        """An acceptance of the project."""
        await insert(self.world.service, "acceptance", {
            "book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": self.project, "accepted_on": TODAY,
            "passed": True, "evidence_sha256": await self.world.evidence(), "document_no": "验1号", "recorded_by": self.recorder,
            **fields,
        })  # fmt: skip


@dataclass(frozen=True)
class Case:
    """The payment of one line: what to change is a field, or a hook that runs when the records stand."""

    programme: str = "labour_subsidy"
    payee_kind: str = "person"
    kind: str = "pay"
    category: str = "employment"
    amount: int = 8_000
    funded: int = 50_000_000
    fund_year: int = 2019
    funded_on: date = date(2019, 2, 20)
    effective_on: date = TODAY
    economic_class: str = "30399"
    project: dict[str, Any] = field(default_factory=dict)
    money_of: str | None = None
    project_notice: tuple[date, date] | None = (date(2019, 1, 10), date(2019, 2, 20))
    project_levels: tuple[str, ...] = ("village", "township", "district")
    list_notice: tuple[date, date] | None = (date(2019, 2, 10), date(2019, 2, 20))
    published: int | None = None
    procurement: dict[str, Any] | None = field(default_factory=dict)
    progress: int | None = 100
    retention: int = 0
    claimed: int | None = None
    """What the claim is for; None: what the list pays."""
    claim: str | None = "approved"
    """What was decided on the claim of a bill; None: there is no claim."""
    final: bool = False
    registered: bool = True
    enrolled: bool = True
    leg: dict[str, Any] = field(default_factory=dict)
    line: dict[str, Any] = field(default_factory=dict)
    period: str = "2019-02"
    entitlement_on: date = date(2019, 2, 1)
    organisation_kind: str = "supplier"
    account: bool = True
    header: dict[str, Any] = field(default_factory=dict)
    before_list: tuple[Hook, ...] = ()
    before_approval: tuple[Hook, ...] = ()
    after_approval: tuple[Hook, ...] = ()

    def spoil(self, *changes: Callable[[Case], Case]) -> Case:
        """The case with changes applied one after the other."""
        case = self
        for change in changes:
            case = change(case)
        return case

    def but(self, **fields: Any) -> Case:
        """The case with other fields; dictionaries are merged, hooks are added."""
        for name, value in fields.items():
            had = getattr(self, name)
            if isinstance(value, dict) and isinstance(had, dict):
                fields[name] = {**had, **value}
            elif name in {"before_list", "before_approval", "after_approval"}:
                fields[name] = (*had, *value)
        return replace(self, **fields)

    async def build(self, world: World) -> Built:
        """Make everything, up to a list that nobody approved."""
        built = Built(world, self, new_id(), new_id(), new_id(), new_id(), new_id(), new_id())
        await self._project(built)
        await self._money(built)
        await self._payee(built)
        for hook in self.before_list:
            await hook(built)
        await self.add_list(built)
        for hook in self.before_approval:
            await hook(built)
        return built

    async def _project(self, built: Built) -> None:
        row = {
            **built.world.proposal(built.project), "category": self.category, "programme_code": self.programme,
            **self.project,
        }  # fmt: skip
        text = insertion("project", row) + parts(row) + decisions(row, await built.world.deciders(row))
        if self.project_notice is not None:
            text += notices(row, *self.project_notice, self.project_levels)
        await built.world.service.execute(text)
        if self.procurement is None:
            return
        if self.payee_kind == "organisation":
            await built.world.supplier(organisation_id=built.person, kind=self.organisation_kind, account=self.account)
            if self.progress is not None:
                await built.world.progress(built.project, self.progress)
        given = {"estimate": 1_000, **self.procurement}
        amount = given.pop("contract_amount", None)
        if amount is not None:
            given = {"estimate": amount, "retention_percent": self.retention, **self.procurement}
            del given["contract_amount"]
            await built.world.tender(built.project, built.person, amount, procurement_id=built.procurement, **given)
            return
        await insert(built.world.service, "procurement", {
            "book": DISTRICT, "procurement_id": built.procurement, "version": 1, "project_id": built.project, "method": "exempt",
            "exemption_code": "household_subsidy", "evidence_sha256": await built.world.evidence(), "document_no": "招1号",
            "recorded_by": built.recorder, **given,
        })  # fmt: skip

    async def _money(self, built: Built) -> None:
        world = built.world
        day: dict[str, Any] = {"effective_on": self.funded_on}
        village: dict[str, Any] = {"village": self.money_of} if self.money_of is not None else {}
        line = await world.adopt(self.funded, year=self.fund_year, **day)
        built.allocation = await world.allocate(line, self.funded, year=self.fund_year, **village, **day)
        kind = "early" if self.fund_year > self.funded_on.year else "instalment"
        await world.release(built.allocation, self.funded, release_kind=kind, **day)
        if self.fund_year > self.funded_on.year:
            return
        leg = Leg(self.funded, allocation_id=built.allocation, project_id=built.project)
        await world.post(DISTRICT, await world.draft(DISTRICT, "fund", [leg], **day))

    async def _payee(self, built: Built) -> None:
        if self.payee_kind == "organisation":
            return
        roster = self.programme if self.enrolled else None
        if self.registered:
            built.household, built.person = (await built.world.persons(1, programme=roster))[0]
            return
        await insert(built.world.service, "household", {
            "book": DISTRICT, "household_id": built.household, "household_no": str(built.household), "village_code": VILLAGE,
            "recorded_by": built.recorder,
        })  # fmt: skip
        await insert(built.world.service, "person", {
            "book": DISTRICT, "person_id": built.person, "household_id": built.household, "is_head": True, "sealed": b"x",
            "identity_hash": os.urandom(32), "name_hash": os.urandom(32), "recorded_by": built.recorder,
        })  # fmt: skip
        await built.world.new_card(built.person, card_of(built.person))
        await built.roster("enrolled")

    async def add_list(self, built: Built) -> None:
        """Draft a list (another one, when called again); it becomes the one that `Built` speaks of."""
        world = built.world
        payee = built.household if self.payee_kind == "household" else built.person
        named = {"project_id": built.project, "payee_id": payee if self.kind == "advance" else None, **self.leg}
        leg = Leg(self.amount, allocation_id=built.allocation, **named)
        header = {"effective_on": self.effective_on, "economic_class": self.economic_class, **self.header}
        built.pay_list = await world.draft(DISTRICT, self.kind, [leg], line_count=1, **header)
        claim_id = None
        if self.payee_kind == "organisation" and self.kind == "pay" and self.claim is not None:
            decision = None if self.claim == "waiting" else self.claim
            claim_id = await world.claim(
                built.project, built.procurement, self.line.get("payee_id", built.person), self.claimed or self.amount,
                decision=decision,
            )  # fmt: skip
        await insert(world.service, "payment_list", {
            "book": DISTRICT, "instruction_id": built.pay_list, "project_id": self.line.get("project", built.project),
            "claim_id": self.line.get("claim_id", claim_id), "procurement_id": self.line.get("procurement_id"),
            "programme_code": self.line.get("programme", self.programme), "period": self.period, "entitlement_on": self.entitlement_on,
            "payee_kind": self.line.get("list_kind", self.payee_kind), "pay_method": "transfer", "is_final": self.final,
        })  # fmt: skip
        own = {
            key: value
            for key, value in self.line.items()
            if key not in {"project", "programme", "list_kind", "claim_id", "procurement_id"}
        }
        if own.get("card_hash") == "the household's":
            own["card_hash"] = card_of(built.household)
        await insert(world.service, "payment_line", {
            "book": DISTRICT, "instruction_id": built.pay_list, "leg_no": 1, "line_no": 1, "amount": self.amount,
            "payee_id": payee, "household_id": None if self.payee_kind == "organisation" else built.household, "quantity": 1,
            "programme_code": self.programme, "period": self.period, "participation_ref": "出勤表", "card_hash": card_of(self.line.get("payee_id", built.person)),
            "name_commitment": os.urandom(32), "card_commitment": os.urandom(32), **own,
        })  # fmt: skip
        if self.list_notice is not None:
            start, end = self.list_notice
            if self.published is None:
                await world.notice("payment_list", built.pay_list, self.amount, start=start, end=end)
            else:
                await built.notice_of_the_first_schema(self.published, start, end)


SUBSIDY = Case()
"""A working day paid to a registered person: the programme that asks for everything."""
HOUSING = Case(programme="housing_repair", payee_kind="household", category="housing", amount=2_000_000)
"""A repaired house, paid in full to the household (M29)."""
WORKS = Case(
    programme="rural_works", payee_kind="organisation", category="infrastructure", amount=1_000_000, list_notice=None,
    procurement={"contract_amount": 1_200_000},
)  # fmt: skip
"""A road, paid to the firm that won the tender."""
ADVANCE = WORKS.but(kind="advance", amount=360_000, progress=None, claim=None)
"""Three tenths of the road, advanced to the firm that won the tender (预拨)."""
