"""A small world to test in: the people of the city's bureau and of one district, officers, divisions; and short words
for what they do. Defaults everywhere; a test names only what it is about. Everything passes the real gate.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from fundledger.access.policy import Caller
from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.book.poster import Posted, Posting, post_now
from fundledger.db.connection import Connection
from fundledger.ids import new_id

CITY = 420100
DISTRICT = 420117
OTHER_DISTRICT = 420116
TODAY = date(2019, 3, 1)
VILLAGE = "420117001200"
PLANNED = 100_000_000
"""Fen that a project of these tests plans, unless told otherwise."""


@dataclass
class World:
    """One city, two districts, their people. `service` and `owner` are connections of those roles."""

    service: Connection
    owner: Connection
    people: dict[str, Caller] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    officers: dict[tuple[int, str], UUID] = field(default_factory=dict)

    def who(self, name: str) -> Caller:
        """A person by name, such as 'city-maker' or 'district-payer'."""
        return self.people[name]

    async def digest(self, book: int, instruction_id: UUID) -> bytes:
        """What an approver sees."""
        return bytes(await self.service.fetchval("SELECT instruction_digest($1, $2)", book, instruction_id))

    async def draft(self, book: int, kind: str, legs: list[Leg], **fields: Any) -> UUID:
        """Draft an instruction as the book's maker."""
        prefix = "city" if book == CITY else "district" if book == DISTRICT else "other"
        what = Draft(
            entry_kind=kind, legs=legs,
            **{
                "document_no": f"doc-{new_id()}", "effective_on": TODAY, "summary": kind, "functional_class": "2130599",
                "economic_class": "30399", "officer_id": self.officers[book, "accountable"],
                "supervisor_id": self.officers[book, "supervising"],
                "release_kind": "instalment" if kind == "release" else None, **fields,
            },
        )  # fmt: skip
        return await draft(self.service, self.who(f"{prefix}-maker"), book, what)

    async def post(
        self, book: int, instruction_id: UUID, *, key: str | None = None, actor: str | None = None
    ) -> Posted:
        """Approve and post a budget instruction as the book's approver (a replay when the key is repeated)."""
        prefix = "city" if book == CITY else "district" if book == DISTRICT else "other"
        person = self.who(actor or f"{prefix}-approver")
        digest = await self.digest(book, instruction_id)
        posting = Posting(book, instruction_id, person.staff_id, digest, key or str(new_id()), digest)
        return (await post_now(self.service, [posting]))[0]

    async def pay(self, instruction_id: UUID, *, key: str | None = None, book: int = DISTRICT) -> Posted:
        """Pay an approved list as the district's payer."""
        person = self.who("district-payer" if book == DISTRICT else "other-payer")
        posting = Posting(book, instruction_id, person.staff_id, None, key or str(new_id()), bytes(32))
        return (await post_now(self.service, [posting]))[0]

    async def adopt(self, amount: int, *, fund: str = "special_factor", year: int = 2019, **fields: Any) -> UUID:
        """Adopt a budget line in the city; returns its id."""
        line = new_id()
        leg = Leg(amount, budget_line_id=line, fund_code=fund, fiscal_year=year)
        await self.post(CITY, await self.draft(CITY, "adopt", [leg], **fields))
        return line

    async def allocate(
        self, line: UUID, amount: int, *, fund: str = "special_factor", year: int = 2019, district: int = DISTRICT,
        village: str | None = None, **fields: Any,
    ) -> UUID:  # fmt: skip
        """Allocate from a line to a district; returns the allocation's id."""
        allocation = new_id()
        leg = Leg(amount, budget_line_id=line, allocation_id=allocation, fund_code=fund, fiscal_year=year,
                  district=district, village_code=village)  # fmt: skip
        await self.post(CITY, await self.draft(CITY, "allocate", [leg], **fields))
        return allocation

    async def release(self, allocation: UUID, amount: int, **fields: Any) -> Posted:
        """Release an amount of an allocation to its district."""
        return await self.post(
            CITY, await self.draft(CITY, "release", [Leg(amount, allocation_id=allocation)], **fields)
        )

    async def funded(self, amount: int = 10_000_000, *, district: int = DISTRICT) -> UUID:
        """An allocation of a district, adopted, allocated and released in full."""
        allocation = await self.allocate(await self.adopt(amount), amount, district=district)
        await self.release(allocation, amount)
        return allocation

    async def project(self, *, programme: str = "labour_subsidy", category: str = "employment", book: int = DISTRICT,
                      exemption: str | None = "household_subsidy", estimate: int = 1_000, **fields: Any) -> UUID:  # fmt: skip
        """An approved project with target, indicator, sources, managing unit, notices and an exemption from tendering.

        `fields` are columns of its proposal; `status` says how far it goes (proposed, reviewed, approved, suspended);
        `sources` are fen by fund, see `parts`.
        """
        project = new_id()
        status, sources = fields.pop("status", "approved"), fields.pop("sources", None)
        row = {**self.proposal(project, book), "programme_code": programme, "category": category, **fields}
        await add_project(self.service, row, await self.deciders(row), status, sources)
        if exemption is not None:
            await insert(self.service, "procurement", {
                "book": book, "procurement_id": new_id(), "version": 1, "project_id": project, "method": "exempt",
                "estimate": estimate, "exemption_code": exemption, "evidence_sha256": await self.evidence(book),
                "document_no": "招豁1号", "recorded_by": row["recorded_by"],
            })  # fmt: skip
        return project

    def proposal(self, project: UUID, book: int = DISTRICT) -> dict[str, Any]:
        """The columns of a proposal (version 1) of a project of the whole district."""
        maker = self.who("district-maker" if book == DISTRICT else "other-maker")
        return {
            "book": book, "project_id": project, "version": 1, "code": f"P{str(project)[-8:]}", "name": "项目",
            "category": "employment", "programme_code": "labour_subsidy", "managing_unit_id": maker.unit_id,
            "performance_target": "脱贫50户", "planned_amount": PLANNED, "status": "proposed", "document_no": "区扶办1号",
            "nature": "subsidy", "place": "全区", "location_kind": "rural", "planned_start": date(2019, 1, 1),
            "planned_end": date(2019, 12, 31), "responsible_unit_id": maker.unit_id, "proposing_unit_id": maker.unit_id,
            "task": "扶持50户", "households": 50, "persons": 150, "participation_mechanism": "参加劳动取得报酬",
            "proposed_version": 1, "recorded_by": maker.staff_id,
        }  # fmt: skip

    async def deciders(self, row: dict[str, Any]) -> tuple[Caller, Caller]:
        """Who reviews a proposal, and who approves it."""
        if row["book"] == DISTRICT:
            reviewer = "poverty-approver" if row.get("village_code") is None else "township-approver"
            return self.who(reviewer), self.who("district-approver")
        if "other-reviewer" not in self.people:
            unit = await add_unit(self.owner, OTHER_DISTRICT, "poverty_office", f"poverty_office-{OTHER_DISTRICT}")
            staff = await add_staff(self.owner, OTHER_DISTRICT, unit, "other-reviewer", ("approver",))
            self.people["other-reviewer"] = Caller(
                OTHER_DISTRICT, staff, unit, "poverty_office", "other-reviewer", frozenset({"approver"})
            )
        return self.who("other-reviewer"), self.who("other-approver")

    async def evidence(self, book: int = DISTRICT) -> bytes:
        """A document kept as evidence; its SHA-256."""
        content = f"佐证材料{new_id()}".encode()
        digest = hashlib.sha256(content).digest()
        await insert(self.service, "evidence", {
            "book": book, "sha256": digest, "media_type": "text/plain", "size_bytes": len(content), "content": content,
            "title": "佐证材料", "recorded_by": self._maker(book).staff_id,
        })  # fmt: skip
        return digest

    def _maker(self, book: int) -> Caller:
        return self.who("city-maker" if book == CITY else "district-maker" if book == DISTRICT else "other-maker")

    async def supplier(self, book: int = DISTRICT, *, organisation_id: UUID | None = None, kind: str = "supplier",
                       account: bool = True) -> UUID:  # fmt: skip
        """An organisation with a made-up credit code and, unless told otherwise, a registered account."""
        new, letters = organisation_id or new_id(), "0123456789ABCDEFGHJKLMNPQRTUWXY"
        await insert(self.service, "organisation", {
            "book": book, "organisation_id": new, "kind": kind, "name": f"某公司{str(new)[-6:]}",
            "credit_code": "".join(letters[byte % 31] for byte in os.urandom(18)),
            "recorded_by": self._maker(book).staff_id,
        })  # fmt: skip
        if account:
            await self.new_card(new, card_of(new), book=book)
        return new

    async def tender(self, project: UUID, awardee: UUID, amount: int, *, book: int = DISTRICT, losers: int = 2,
                     procurement_id: UUID | None = None, **fields: Any) -> UUID:  # fmt: skip
        """An open tender of a project that `awardee` won at `amount` among `losers` others, and its contract."""
        new = procurement_id or new_id()
        row = {
            "book": book, "procurement_id": new, "version": 1, "project_id": project, "method": "open",
            "estimate": amount, "evidence_sha256": await self.evidence(book), "document_no": "招1号",
            "recorded_by": self._maker(book).staff_id, "tender_period_start": date(2019, 1, 2),
            "tender_period_end": date(2019, 1, 31), **fields,
        }  # fmt: skip
        await insert(self.service, "procurement", {**row, "stage": "tendering"})
        for bidder in (awardee, *[await self.supplier(book) for _ in range(losers)]):
            await self.bid(new, bidder, amount if bidder == awardee else amount + 1, book=book)
        contract = {"awardee_id": awardee, "contract_no": "合同1号", "contract_amount": amount, "version": 2}
        await insert(self.service, "procurement", {**row, **contract, "stage": "contracted"})
        return new

    async def bid(self, procurement: UUID, bidder: UUID, price: int, *, book: int = DISTRICT, **fields: Any) -> UUID:
        """A bid in an open tender, in time and valid."""
        new = new_id()
        await insert(self.service, "bid", {
            "book": book, "bid_id": new, "version": 1, "procurement_id": procurement, "bidder_id": bidder, "price": price,
            "received_on": date(2019, 1, 30), "status": "valid", "evidence_sha256": await self.evidence(book),
            "document_no": "标书1号", "recorded_by": self._maker(book).staff_id, **fields,
        })  # fmt: skip
        return new

    async def progress(self, project: UUID, percent: int = 100, *, book: int = DISTRICT, **fields: Any) -> UUID:
        """An acceptance of progress, of the whole project unless `procurement_id` says otherwise."""
        new = new_id()
        await insert(self.service, "acceptance", {
            "book": book, "acceptance_id": new, "version": 1, "project_id": project, "accepted_on": date(2019, 2, 1),
            "passed": True, "evidence_sha256": await self.evidence(book), "document_no": "进度1号", "kind": "progress",
            "percent_complete": percent, "recorded_by": self._maker(book).staff_id, **fields,
        })  # fmt: skip
        return new

    async def claim(self, project: UUID, procurement: UUID, payee: UUID, amount: int, *, decision: str | None = "approved",
                    invoice: str | None = None, book: int = DISTRICT) -> UUID:  # fmt: skip
        """A reimbursement claim with one invoice, reviewed by the district's approver."""
        new, maker = new_id(), self._maker(book).staff_id
        await insert(self.service, "reimbursement_claim", {
            "book": book, "claim_id": new, "project_id": project, "procurement_id": procurement, "payee_id": payee,
            "amount": amount, "progress_percent": 100, "document_no": "报账1号", "recorded_by": maker,
        })  # fmt: skip
        await insert(self.service, "claim_voucher", {
            "book": book, "claim_id": new, "voucher_no": 1, "kind": "invoice", "amount": amount,
            "number": invoice or new.hex.upper(), "evidence_sha256": await self.evidence(book),
        })  # fmt: skip
        if decision is not None:
            reviewer = self.who("district-approver" if book == DISTRICT else "other-approver").staff_id
            await insert(self.service, "claim_review", {
                "book": book, "claim_id": new, "decision": decision, "document_no": "审1号", "recorded_by": reviewer,
            })  # fmt: skip
        return new

    async def contract_change(self, procurement: UUID, amount: int, *, decision: str | None = "approved",
                              book: int = DISTRICT) -> UUID:  # fmt: skip
        """A change of a contract, approved by the district's approver."""
        new = new_id()
        await insert(self.service, "contract_change", {
            "book": book, "change_id": new, "procurement_id": procurement, "amount": amount, "reason": "地质条件变化",
            "document_no": "变更1号", "evidence_sha256": await self.evidence(book), "recorded_by": self._maker(book).staff_id,
        })  # fmt: skip
        if decision is not None:
            reviewer = self.who("district-approver" if book == DISTRICT else "other-approver").staff_id
            await insert(self.service, "contract_change_review", {
                "book": book, "change_id": new, "decision": decision, "document_no": "批1号", "recorded_by": reviewer,
            })  # fmt: skip
        return new

    async def notice(self, kind: str, subject: UUID, amount: int, *, book: int = DISTRICT, start: date = date(2019, 1, 10),
                     end: date = date(2019, 2, 20), level: str = "village") -> UUID:  # fmt: skip
        """Publish a notice, on a village board unless told otherwise."""
        notice = new_id()
        maker = self.who("district-maker" if book == DISTRICT else "other-maker")
        await self.service.execute(
            "SELECT publish_notice($1, $2, 1, $3, $4, $9, '村务公开栏', $5, $6, $7, '公示1号', $8)",
            book, notice, kind, subject, start, end, amount, maker.staff_id, level,
        )  # fmt: skip
        return notice

    async def persons(self, count: int, *, programme: str | None = "labour_subsidy", book: int = DISTRICT,
                      village: str = VILLAGE, identities: Sequence[bytes] = ()) -> list[tuple[UUID, UUID]]:  # fmt: skip
        """Registered households with their heads, on a programme's roster: (household_id, person_id).

        `identities` are the keyed hashes of the first heads' identity numbers; the others get fresh ones.
        """
        maker = self.who("district-maker" if book == DISTRICT else "other-maker").staff_id
        made = [(new_id(), new_id()) for _ in range(count)]
        hashes = [*identities, *(os.urandom(32) for _ in range(count - len(identities)))]
        since = date(2018, 1, 1)
        tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {
            "household": (["book", "household_id", "household_no", "village_code", "recorded_by"],
                          [(book, h, str(h), village, maker) for h, _ in made]),
            "person": (["book", "person_id", "household_id", "is_head", "identity_hash", "name_hash", "sealed", "recorded_by"],
                       [(book, p, h, True, identity, os.urandom(32), b"sealed", maker)
                        for (h, p), identity in zip(made, hashes, strict=True)]),
            "registry_status": (["book", "subject_id", "valid_from", "status", "document_no", "recorded_by"],
                                [(book, h, since, "registered", "建档1号", maker) for h, _ in made]),
            "payee_account": (ACCOUNT, [(book, p, 1, card_of(p), b"sealed", "卡1号", maker) for _, p in made]),
            "roster_member": (["book", "programme_code", "payee_id", "valid_from", "action", "document_no", "recorded_by"],
                              [(book, programme, s, since, "enrolled", "花名册1号", maker) for pair in made for s in pair]
                              if programme else []),
        }  # fmt: skip
        for table, (columns, records) in tables.items():
            await self.service.copy_records_to_table(table, columns=columns, records=records)
        return made

    async def new_card(self, holder: UUID, card: bytes, *, book: int = DISTRICT, confirmed: bool = True) -> int:
        """The next version of a person's (or organisation's) account, given as its keyed hash."""
        prefix = "district" if book == DISTRICT else "other"
        version = int(await self.service.fetchval(
            "SELECT coalesce(max(version), 0) + 1 FROM payee_account WHERE book = $1 AND holder_id = $2", book, holder))  # fmt: skip
        row = (book, holder, version, card, b"sealed", "卡2号", self.who(f"{prefix}-maker").staff_id)
        await insert(self.service, "payee_account", dict(zip(ACCOUNT, row, strict=True)))
        if confirmed and version > 1:
            await insert(self.service, "payee_account_confirmation", {
                "book": book, "holder_id": holder, "version": version,
                "confirmed_by": self.who(f"{prefix}-approver").staff_id,
            })  # fmt: skip
        return version

    async def list_of(self, project: UUID, allocation: UUID, payees: list[tuple[UUID, UUID]], *, amount: int = 8_000,
                      period: str = "2019-02", programme: str = "labour_subsidy", final: bool = False,
                      published: bool = True, approved: bool = True, book: int = DISTRICT, payee_kind: str = "person",
                      cards: Sequence[bytes] = (), quantity: int = 1, exception: str | None = None,
                      reissues: tuple[UUID, int] | None = None, **fields: Any) -> UUID:  # fmt: skip
        """A payment list of one amount per person (or household), published and approved.

        `cards` are the keyed hashes of the first payees' cards, which they change to; `exception` is every line's
        exception document, `reissues` the returned line that the first line pays again. The entitlement date is the
        period's first day.
        """
        for (_, person), card in zip(payees, cards, strict=False):
            await self.new_card(person, card, book=book)
        hashes = [*cards, *(card_of(person) for _, person in payees[len(cards) :])]
        total = amount * len(payees)
        legs = [Leg(total, allocation_id=allocation, project_id=project)]
        new = await self.draft(book, "pay", legs, line_count=len(payees), **fields)
        await insert(self.service, "payment_list", {
            "book": book, "instruction_id": new, "project_id": project, "programme_code": programme, "period": period,
            "entitlement_on": first_day(period), "payee_kind": payee_kind, "pay_method": "transfer", "is_final": final,
        })  # fmt: skip
        await self.service.copy_records_to_table(
            "payment_line",
            columns=["book", "instruction_id", "leg_no", "line_no", "amount", "payee_id", "household_id", "quantity",
                     "programme_code", "period", "participation_ref", "exception_document_no", "card_hash",
                     "name_commitment", "card_commitment", "reissues_entry_id", "reissues_line_no"],
            records=[(book, new, 1, number, amount, household if payee_kind == "household" else person, household,
                      quantity, programme, period, "出勤表", exception, hashes[number - 1], os.urandom(32), os.urandom(32),
                      *(reissues if reissues and number == 1 else (None, None)))
                     for number, (household, person) in enumerate(payees, start=1)],
        )  # fmt: skip
        await open_lines(self.service, book, new)
        if published:
            await self.notice("payment_list", new, total, book=book)
        if approved:
            await self.approve_list(new, book=book)
        return new

    async def approve_list(self, instruction_id: UUID, *, book: int = DISTRICT) -> None:
        """Approve a payment list as the district's approver."""
        person = self.who("district-approver" if book == DISTRICT else "other-approver")
        await self.service.execute(
            "SELECT gate_approve($1, $2, $3, $4, $5)",
            book, instruction_id, await self.digest(book, instruction_id), person.staff_id, new_id(),
        )  # fmt: skip

    async def balance(
        self, kind: str, *, allocation: UUID | None = None, line: UUID | None = None, project: UUID | None = None
    ) -> int:
        """The sum of the balances of a kind of account, in fen, of one allocation, line or project."""
        return int(await self.service.fetchval(
            """SELECT coalesce(sum(b.received - b.given), 0) FROM account a
               JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
               WHERE a.account_kind = $1 AND ($2::uuid IS NULL OR a.allocation_id = $2)
                 AND ($3::uuid IS NULL OR a.budget_line_id = $3) AND ($4::uuid IS NULL OR a.project_id = $4)""",
            kind, allocation, line, project))  # fmt: skip


ACCOUNT = ["book", "holder_id", "version", "account_hash", "sealed", "document_no", "recorded_by"]


def card_of(holder: UUID) -> bytes:
    """The keyed hash of the card (or account) that builders register for a person (or organisation)."""
    return hashlib.sha256(holder.bytes).digest()


def first_day(period: str) -> date:
    """The first day of a period: 2019, 2019-H2, 2019-Q3 or 2019-05."""
    part = period[5:] or "01"
    month = {"H": 6, "Q": 3}[part[0]] * (int(part[1]) - 1) + 1 if part[0] in "HQ" else int(part)
    return date(int(period[:4]), month, 1)


def sql(value: Any) -> str:
    """A value as an SQL literal, for statements that go to the server together."""
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def insertion(table: str, row: dict[str, Any]) -> str:
    """An INSERT as text."""
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(sql, row.values()))});"


def decisions(row: dict[str, Any], deciders: tuple[Caller, Caller], status: str = "approved") -> str:
    """The versions after a proposal, up to a status, as SQL: reviewed, approved, suspended by the people whose office it is."""
    reviewer, approver = deciders
    steps = [("reviewed", reviewer), ("approved", approver), ("suspended", reviewer)]
    count = ("proposed", "reviewed", "approved", "suspended").index(status)
    return "".join(
        insertion("project", {**row, "version": row["version"] + number, "status": step, "recorded_by": who.staff_id,
                              "decided_by_unit_id": who.unit_id})
        for number, (step, who) in enumerate(steps[:count], start=1)
    )  # fmt: skip


def parts(row: dict[str, Any], sources: dict[str, int] | None = None) -> str:
    """What hangs on a proposal, as SQL: an indicator, and sources: half from the factor fund, the rest from the others."""
    key = {"book": row["book"], "project_id": row["project_id"], "version": row["version"]}
    each = row["planned_amount"] // 10
    amounts = sources or {"special_factor": row["planned_amount"] - 5 * each, "targeted": 2 * each, "public_affairs": each,
               "district_increment": each, "recovered_stock": each}  # fmt: skip
    indicator = {"indicator_no": 1, "kind": "quantity", "name": "受益户数", "target_value": 50, "unit": "户"}
    return insertion("project_indicator", {**key, **indicator}) + "".join(
        insertion("project_financing", {**key, "fund_code": fund, "amount": amount})
        for fund, amount in amounts.items()
        if amount > 0
    )


LEVELS = ("village", "township", "district")


def notices(
    row: dict[str, Any],
    start: date = date(2019, 1, 10),
    end: date = date(2019, 2, 20),
    levels: Sequence[str] = LEVELS,
) -> str:
    """Notices of a project at every level, as SQL."""
    return "".join(
        f"SELECT publish_notice({row['book']}, '{new_id()}', 1, 'project', '{row['project_id']}', '{level}', '公开栏', "
        f"'{start}', '{end}', {row['planned_amount']}, '公示1号', '{row['recorded_by']}');"
        for level in levels
    )


async def add_project(
    connection: Connection, row: dict[str, Any], deciders: tuple[Caller, Caller], status: str = "approved",
    sources: dict[str, int] | None = None,
) -> None:  # fmt: skip
    """A project from its proposal to a status, published at every level, in one round trip."""
    await connection.execute(
        insertion("project", row) + parts(row, sources) + decisions(row, deciders, status) + notices(row)
    )


async def insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    """Insert one row given as a dict."""
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


PEOPLE: tuple[tuple[str, int, str, tuple[str, ...]], ...] = (
    ("city-maker", CITY, "finance", ("maker",)), ("city-approver", CITY, "finance", ("approver",)),
    ("district-maker", DISTRICT, "finance", ("maker",)), ("district-approver", DISTRICT, "finance", ("approver",)),
    ("district-payer", DISTRICT, "finance", ("payer",)), ("poverty-maker", DISTRICT, "poverty_office", ("maker",)),
    ("poverty-approver", DISTRICT, "poverty_office", ("approver",)),
    ("township-maker", DISTRICT, "township", ("maker",)), ("township-approver", DISTRICT, "township", ("approver",)),
    ("other-maker", OTHER_DISTRICT, "finance", ("maker",)), ("other-approver", OTHER_DISTRICT, "finance", ("approver",)),
    ("other-payer", OTHER_DISTRICT, "finance", ("payer",)),
    ("auditor", CITY, "audit", ()), ("inspector", CITY, "inspection", ()), ("admin", CITY, "admin", ()),
)  # fmt: skip


async def append(connection: Connection, orders: list[int], hashes: list[bytes]) -> int:
    """Give queued records positions with made-up hashes; the size of the log then."""
    size = await connection.fetchval(
        "SELECT log_append((SELECT coalesce(max(position) + 1, 0) FROM log_leaf), $1, $2, $3, "
        "'{}', '{}', '{}', '{}')", orders, hashes, [None] * len(orders),
    )  # fmt: skip
    return int(size)


OFFICERS = {"accountable": "责任人", "supervising": "监管人"}
"""Two people: who answers for a posting is not who supervises it."""


async def make_world(service: Connection, owner: Connection) -> World:
    """People, tokens, officers in office since 2018, and one village in each of two districts."""
    world = World(service, owner)
    for name, book, kind, duties in PEOPLE:
        division = f"{book}001" if kind == "township" else None
        unit = await add_unit(owner, book, kind, f"{kind}-{book}", division)
        staff = await add_staff(owner, book, unit, name, duties)
        world.people[name] = Caller(book, staff, unit, kind, name, frozenset(duties), division)
        world.tokens[name] = await issue(owner, book, staff)
    for book, maker in ((CITY, "city-maker"), (DISTRICT, "district-maker"), (OTHER_DISTRICT, "other-maker")):
        for role in ("accountable", "supervising"):
            world.officers[book, role] = new_id()
            await insert(service, "officer_term", {
                "book": book, "officer_id": world.officers[book, role], "name": OFFICERS[role], "unit_id": world.who(maker).unit_id,
                "role": role, "valid_from": date(2018, 1, 1), "document_no": "任1号",
                "recorded_by": world.who(maker).staff_id,
            })  # fmt: skip
    for district in (DISTRICT, OTHER_DISTRICT):
        for code, level, parent in ((str(district), "district", None), (f"{district}001", "township", str(district)),
                                    (f"{district}001200", "village", f"{district}001")):  # fmt: skip
            await insert(service, "division", {"book": district, "code": code, "name": code, "level": level,
                                               "parent_code": parent, "source": "test"})  # fmt: skip
    return world


async def open_lines(connection: Connection, book: int, instruction_id: UUID) -> None:
    """Give the lines of a list the openings that the service would keep (salts and seals that open nothing)."""
    await connection.execute(
        """INSERT INTO payment_line_private (book, instruction_id, line_no, name_salt, card_salt, sealed)
           SELECT book, instruction_id, line_no, card_commitment, name_commitment, 'sealed' FROM payment_line
           WHERE book = $1 AND instruction_id = $2""",
        book, instruction_id,
    )  # fmt: skip
