"""A book to measure on: people, one district with projects, suppliers and registered persons, money released.

Budget and payments pass the gate like everybody's; only records of the outer world (registry, projects) are copied in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from fundledger.access.policy import CITY_BOOK, Caller
from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.book.instructions import Draft, Leg, draft
from fundledger.book.poster import Posted, Posting, post_now
from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.registry.identity import synthetic_card, synthetic_identity_number
from fundledger.registry.vault import Vault

DISTRICT = 420117
DAY = date(2019, 3, 1)
SINCE = date(1900, 1, 1)
"""Long ago: every list of a run needs a period of its own, and none may be still to come. The lines name an exception
document, because no unit standard is that old."""
PROGRAMME = "labour_subsidy"
LINE_FEN = 8_000
HOUSEHOLD_PROGRAMME = "industry_award"
"""What the last project pays, to households."""
MANY = 500
"""How many allocations and projects "many accounts" means."""

PEOPLE = (
    ("city-maker", CITY_BOOK, "finance", ("maker",)), ("city-approver", CITY_BOOK, "finance", ("approver",)),
    ("maker", DISTRICT, "finance", ("maker",)), ("approver", DISTRICT, "finance", ("approver",)),
    ("payer", DISTRICT, "finance", ("payer",)), ("reviewer", DISTRICT, "poverty_office", ("approver",)),
)  # fmt: skip


@dataclass
class World:
    """The people, their tokens, and the ids a benchmark draws from."""

    service: Connection
    people: dict[str, Caller] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    officers: dict[tuple[int, str], UUID] = field(default_factory=dict)
    persons: list[tuple[UUID, UUID]] = field(default_factory=list)
    identities: list[tuple[str, str]] = field(default_factory=list)
    cards: dict[UUID, bytes] = field(default_factory=dict)
    allocations: list[UUID] = field(default_factory=list)
    projects: list[UUID] = field(default_factory=list)

    def header(self, book: int, kind: str, legs: Sequence[Leg], **fields: Any) -> Draft:
        """A draft with the header every posting needs."""
        return Draft(
            entry_kind=kind, legs=legs, document_no=f"bench-{kind}", effective_on=DAY, summary="bench",
            functional_class="2130599", economic_class="30399", officer_id=self.officers[book, "accountable"],
            supervisor_id=self.officers[book, "supervising"],
            release_kind="instalment" if kind == "release" else None, **fields,
        )  # fmt: skip

    async def post(self, book: int, kind: str, legs: Sequence[Leg]) -> Posted:
        """Draft, approve and post a budget instruction."""
        maker, approver = ("city-maker", "city-approver") if book == CITY_BOOK else ("maker", "approver")
        new = await draft(self.service, self.people[maker], book, self.header(book, kind, legs))
        digest = await self.service.fetchval("SELECT instruction_digest($1, $2)", book, new)
        posting = Posting(book, new, self.people[approver].staff_id, digest, str(new_id()), digest)
        return (await post_now(self.service, [posting]))[0]


async def build(owner: Connection, service: Connection, vault: Vault, *, persons: int) -> World:
    """People, officers, divisions, money on MANY allocations, MANY funded projects, registered persons."""
    world = World(service)
    for name, book, kind, duties in PEOPLE:
        unit = await add_unit(owner, book, kind, f"bench {kind} {book}")
        staff = await add_staff(owner, book, unit, name, duties)
        world.people[name] = Caller(book, staff, unit, kind, name, frozenset(duties))
        world.tokens[name] = await issue(owner, book, staff)
    await _officers(world)
    await _divisions(service)
    await _money(world)
    await _projects(world)
    await _persons(world, vault, persons)
    await owner.execute("ANALYZE")
    return world


async def _officers(world: World) -> None:
    for book, name in ((CITY_BOOK, "city-maker"), (DISTRICT, "maker")):
        person = world.people[name]
        for role in ("accountable", "supervising"):
            world.officers[book, role] = new_id()
            await world.service.execute(
                "INSERT INTO officer_term (book, officer_id, name, unit_id, role, valid_from, document_no, "
                "recorded_by) VALUES ($1, $2, $4, $3, $4, $5, 'bench', $6)",
                book, world.officers[book, role], person.unit_id, role, SINCE, person.staff_id,
            )  # fmt: skip


async def _divisions(service: Connection) -> None:
    for code, level, parent in (("420117", "district", None), ("420117001", "township", "420117"),
                                ("420117001200", "village", "420117001")):  # fmt: skip
        await service.execute(
            "INSERT INTO division (book, code, name, level, parent_code, source) VALUES ($1, $2, $2, $3, $4, 'bench') "
            "ON CONFLICT DO NOTHING",
            DISTRICT, code, level, parent,
        )  # fmt: skip


async def _money(world: World) -> None:
    """One budget line, MANY allocations of 100 million yuan, nine tenths released."""
    each = 10**10
    line = new_id()
    world.allocations = [new_id() for _ in range(MANY)]
    adopt = Leg(each * MANY, budget_line_id=line, fund_code="special_factor", fiscal_year=2019)
    await world.post(CITY_BOOK, "adopt", [adopt])
    legs = [
        Leg(
            each,
            budget_line_id=line,
            allocation_id=new,
            fund_code="special_factor",
            fiscal_year=2019,
            district=DISTRICT,
        )
        for new in world.allocations
    ]
    await world.post(CITY_BOOK, "allocate", legs)
    await world.post(CITY_BOOK, "release", [Leg(each * 9 // 10, allocation_id=one) for one in world.allocations])


async def _projects(world: World) -> None:
    """MANY approved projects, one an allocation, each funded, published, and exempt from tendering with evidence."""
    maker = world.people["maker"]
    world.projects = [new_id() for _ in range(MANY)]
    for version, (status, who) in enumerate(
        (("proposed", maker), ("reviewed", world.people["reviewer"]), ("approved", world.people["approver"])), start=1
    ):
        await _project_versions(world, version, status, who)
        if version == 1:
            await _project_parts(world)
    document = hashlib.sha256(b"bench").digest()
    await world.service.execute(
        "INSERT INTO evidence (book, sha256, media_type, size_bytes, content, title, recorded_by) "
        "VALUES ($1, $2, 'text/plain', 5, $3, 'bench', $4)", DISTRICT, document, b"bench", maker.staff_id,
    )  # fmt: skip
    await world.service.copy_records_to_table(
        "procurement",
        columns=["book", "procurement_id", "version", "project_id", "method", "estimate", "exemption_code",
                 "evidence_sha256", "document_no", "recorded_by"],
        records=[(DISTRICT, new_id(), 1, project, "exempt", 1000, "household_subsidy", document, "bench",
                  maker.staff_id)
                 for project in world.projects],
    )  # fmt: skip
    for project in world.projects:
        await publish(world, "project", project, 10**10, "district")
    legs = [
        Leg(8 * 10**9, allocation_id=a, project_id=p) for a, p in zip(world.allocations, world.projects, strict=True)
    ]
    await world.post(DISTRICT, "fund", legs)


async def _project_versions(world: World, version: int, status: str, who: Caller) -> None:
    """The next version of every project: proposed, reviewed, approved by three people, as the library's rules ask."""
    row = {
        "name": "bench", "performance_target": "bench",
        "planned_amount": 10**10, "document_no": "bench", "nature": "subsidy", "place": "bench",
        "location_kind": "rural", "planned_start": DAY, "planned_end": DAY, "task": "bench", "households": 1,
        "persons": 1, "participation_mechanism": "bench", "proposed_version": 1, "version": version, "status": status,
        "recorded_by": who.staff_id, "decided_by_unit_id": None if version == 1 else who.unit_id, "book": DISTRICT,
    }  # fmt: skip
    row |= dict.fromkeys(
        ("managing_unit_id", "responsible_unit_id", "proposing_unit_id"), world.people["maker"].unit_id
    )
    await world.service.copy_records_to_table(
        "project",
        columns=["project_id", "code", "category", "programme_code", *row],
        records=[
            (project, f"B{number}", *_kind_of(number), *row.values()) for number, project in enumerate(world.projects)
        ],
    )


async def _project_parts(world: World) -> None:
    await world.service.copy_records_to_table(
        "project_indicator",
        columns=["book", "project_id", "version", "indicator_no", "kind", "name", "target_value", "unit"],
        records=[(DISTRICT, project, 1, 1, "quantity", "bench", 1, "bench") for project in world.projects],
    )
    await world.service.copy_records_to_table(
        "project_financing",
        columns=["book", "project_id", "version", "fund_code", "amount"],
        records=[(DISTRICT, project, 1, "special_factor", 10**10) for project in world.projects],
    )


def _kind_of(number: int) -> tuple[str, str]:
    """Category and programme of a project: all pay persons but the last, which pays households."""
    return ("industry", HOUSEHOLD_PROGRAMME) if number == MANY - 1 else ("employment", PROGRAMME)


def household_no(number: int) -> str:
    """The number-th household's number."""
    return f"H{number:07}"


async def publish(world: World, kind: str, subject: UUID, amount: int, level: str = "village") -> None:
    """A notice that has been up long enough."""
    await world.service.execute(
        "SELECT publish_notice($1, $2, 1, $3, $4, $7, 'bench', '2019-01-10', '2019-02-20', $5, 'bench', $6)",
        DISTRICT, new_id(), kind, subject, amount, world.people["maker"].staff_id, level,
    )  # fmt: skip


async def _persons(world: World, vault: Vault, count: int) -> None:
    maker = world.people["maker"].staff_id
    world.identities = [(identity_of(number), f"测{number}") for number in range(count)]
    world.persons = [(new_id(), new_id()) for _ in range(count)]
    world.cards = {p: vault.digest("card", synthetic_card(n)) for n, (_, p) in enumerate(world.persons)}
    copies: tuple[tuple[str, list[str], list[tuple[Any, ...]]], ...] = (
        ("household", ["book", "household_id", "household_no", "village_code", "recorded_by"],
         [(DISTRICT, h, household_no(number), "420117001200", maker) for number, (h, _) in enumerate(world.persons)]),
        ("person", ["book", "person_id", "household_id", "is_head", "identity_hash", "name_hash", "sealed",
                    "recorded_by"],
         [(DISTRICT, p, h, True, vault.digest("identity", identity), vault.digest("name", name), b"bench", maker)
          for (h, p), (identity, name) in zip(world.persons, world.identities, strict=True)]),
        ("registry_status", ["book", "subject_id", "valid_from", "status", "document_no", "recorded_by"],
         [(DISTRICT, h, SINCE, "registered", "bench", maker) for h, _ in world.persons]),
        ("payee_account", ["book", "holder_id", "version", "account_hash", "sealed", "document_no", "recorded_by"],
         [(DISTRICT, p, 1, world.cards[p], b"bench", "bench", maker) for _, p in world.persons]),
        ("roster_member", ["book", "programme_code", "payee_id", "valid_from", "action", "document_no", "recorded_by"],
         [(DISTRICT, programme, payee, SINCE, "enrolled", "bench", maker) for h, p in world.persons
          for programme, payee in ((PROGRAMME, p), (HOUSEHOLD_PROGRAMME, h))]),
    )  # fmt: skip
    for table, columns, records in copies:
        await world.service.copy_records_to_table(table, columns=columns, records=records)


def identity_of(number: int) -> str:
    """The number-th synthetic identity number: a birthday for every thousand."""
    return synthetic_identity_number(date(1950, 1, 1) + timedelta(days=number // 1000), number % 1000)


async def payment_list(world: World, payees: Sequence[tuple[UUID, UUID]], period: str, *, number: int = 0) -> UUID:
    """A published and approved list of one amount a person, from one allocation and its project."""
    place = number % (MANY - 1)  # the last project pays households
    allocation, project = world.allocations[place], world.projects[place]
    legs = [Leg(LINE_FEN * len(payees), allocation_id=allocation, project_id=project)]
    new = await draft(
        world.service, world.people["maker"], DISTRICT, world.header(DISTRICT, "pay", legs, line_count=len(payees))
    )
    await world.service.execute(
        "INSERT INTO payment_list VALUES ($1, $2, $3, $4, $5, $6, 'person', 'transfer', false)",
        DISTRICT, new, project, PROGRAMME, period, date.fromisoformat(f"{period}-01"),
    )  # fmt: skip
    await world.service.copy_records_to_table(
        "payment_line",
        columns=["book", "instruction_id", "leg_no", "line_no", "amount", "payee_id", "household_id", "quantity",
                 "programme_code", "period", "participation_ref", "exception_document_no", "card_hash",
                 "name_commitment", "card_commitment"],
        records=((DISTRICT, new, 1, line, LINE_FEN, person, household, 1, PROGRAMME, period, "bench", "bench",
                  world.cards[person], bytes(32), bytes(32))
                 for line, (household, person) in enumerate(payees, start=1)),
    )  # fmt: skip
    await world.service.copy_records_to_table(
        "payment_line_private",
        columns=["book", "instruction_id", "line_no", "name_salt", "card_salt", "sealed"],
        records=((DISTRICT, new, line, bytes(32), bytes(32), b"bench") for line in range(1, len(payees) + 1)),
    )
    if len(payees) > 1000:
        await world.service.execute("SELECT refresh_statistics($1)", ["payment_line", "payment_line_private"])
    await publish(world, "payment_list", new, LINE_FEN * len(payees))
    digest = await world.service.fetchval("SELECT instruction_digest($1, $2)", DISTRICT, new)
    approver = world.people["approver"].staff_id
    await world.service.execute("SELECT gate_approve($1, $2, $3, $4, $5)", DISTRICT, new, digest, approver, new_id())
    return new
