"""Registered people with real-looking numbers for payment tests, and the lists that pay them.

Identity numbers and cards are synthetic (area 999999). The registry's hashes are made with the service's own vault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from fundledger.api.deps import Services
from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from fundledger.registry.identity import synthetic_card, synthetic_identity_number, synthetic_uscc
from fundledger.registry.vault import Vault
from tests.builders import ACCOUNT, DISTRICT, VILLAGE, World, insert
from tests.web import Api

LISTS = f"/v1/books/{DISTRICT}/payment-lists"
BANK = f"/v1/books/{DISTRICT}/bank-results"
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_numbers = count(1)
ACCOUNT_NO = "42001865536053001234"


@dataclass(frozen=True, slots=True)
class Person:
    """A head of household as the village office knows it."""

    household_no: str
    identity: str
    name: str
    card: str
    household_id: UUID
    person_id: UUID


def vault_of(api: Api) -> Vault:
    """The vault the service under test uses."""
    services: Services = api.app.state.services
    return services.vault


def made_up(number: int) -> Person:
    """A person nobody is; the same number gives the same person but for the ids."""
    identity = synthetic_identity_number(date(1950, 1, 1) + timedelta(days=number // 1000), number % 1000)
    name = _SURNAMES[number % len(_SURNAMES)] + "测试" + chr(0x4E00 + number % 5000)
    return Person(f"4201170012{number:08d}", identity, name, synthetic_card(number), new_id(), new_id())


async def register(
    world: World, vault: Vault, size: int, *, programme: str | None = "labour_subsidy", book: int = DISTRICT,
    household: bool = False,
) -> list[Person]:  # fmt: skip
    """People on the registry since 2018, each the head of a household; they (or their households) on the roster."""
    people = [made_up(next(_numbers)) for _ in range(size)]
    maker = world.who("district-maker" if book == DISTRICT else "other-maker").staff_id
    village = VILLAGE if book == DISTRICT else f"{book}001200"
    since = date(2018, 1, 1)
    tables: dict[str, tuple[list[str], list[tuple[Any, ...]]]] = {
        "household": (["book", "household_id", "household_no", "village_code", "recorded_by"],
                      [(book, p.household_id, p.household_no, village, maker) for p in people]),
        "person": (["book", "person_id", "household_id", "is_head", "identity_hash", "name_hash", "sealed",
                    "recorded_by"],
                   [(book, p.person_id, p.household_id, True, vault.digest("identity", p.identity),
                     vault.digest("name", p.name), b"sealed", maker) for p in people]),
        "registry_status": (["book", "subject_id", "valid_from", "status", "document_no", "recorded_by"],
                            [(book, p.household_id, since, "registered", "建档1号", maker) for p in people]),
        "payee_account": (ACCOUNT, [(book, p.person_id, 1, vault.digest("card", p.card), b"sealed", "卡1号", maker)
                                    for p in people]),
        "roster_member": (["book", "programme_code", "payee_id", "valid_from", "action", "document_no", "recorded_by"],
                          [(book, programme, p.household_id if household else p.person_id, since, "enrolled",
                            "花名册1号", maker) for p in people] if programme else []),
    }  # fmt: skip
    for table, (columns, records) in tables.items():
        await world.service.copy_records_to_table(table, columns=columns, records=records)
    return people


async def organisation(world: World, vault: Vault, name: str = "测试建筑有限公司") -> tuple[UUID, str]:
    """A registered supplier, paid on ACCOUNT_NO: its id and social credit code."""
    made, code = new_id(), synthetic_uscc(next(_numbers))
    await insert(world.service, "organisation", {
        "book": DISTRICT, "organisation_id": made, "kind": "supplier", "name": name, "credit_code": code,
        "recorded_by": world.who("district-maker").staff_id,
    })  # fmt: skip
    await world.new_card(made, vault.digest("card", ACCOUNT_NO))
    return made, code


async def money(world: World, project: UUID, amount: int = 10_000_000) -> UUID:
    """An allocation released to the district and given to the project, whole."""
    allocation = await world.funded(amount)
    legs = [Leg(amount, allocation_id=allocation, project_id=project)]
    await world.post(DISTRICT, await world.draft(DISTRICT, "fund", legs))
    return allocation


def line_of(person: Person, amount: object = "80.00", **fields: Any) -> dict[str, Any]:
    """A line of a person programme."""
    return {"identity_number": person.identity, "name": person.name, "card": person.card, "amount": amount,
            "quantity": 1, "participation_ref": "出勤表3号", **fields}  # fmt: skip


def header_of(world: World, project: UUID, *allocations: UUID, **fields: Any) -> dict[str, Any]:
    """The header of a list of person payments."""
    return {
        "document_no": f"拨付{new_id()}", "effective_on": "2019-03-01", "summary": "劳务补助", "payee_kind": "person",
        "officer_id": str(world.officers[DISTRICT, "accountable"]),
        "supervisor_id": str(world.officers[DISTRICT, "supervising"]), "project_id": str(project),
        "programme_code": "labour_subsidy", "period": "2019-02", "entitlement_on": "2019-02-01",
        "sources": [{"allocation_id": str(allocation)} for allocation in allocations], **fields,
    }  # fmt: skip


def list_body(world: World, project: UUID, allocation: UUID, people: Sequence[Person], **fields: Any) -> dict[str, Any]:
    """A list that pays each person once."""
    return {**header_of(world, project, allocation, **fields), "lines": [line_of(person) for person in people]}


async def publish(world: World, made: dict[str, Any]) -> None:
    """Put the list up in the village for long enough."""
    total = int(made["total"].replace(".", ""))
    await world.notice("payment_list", UUID(made["payment_list_id"]), total)


async def approved(api: Api, world: World, body: dict[str, Any]) -> dict[str, Any]:
    """A list uploaded, published and approved; the answer of the approval."""
    made = await api.post("district-maker", LISTS, body)
    assert made.status_code == 201, made.text
    await publish(world, made.json())
    answer = await approve(api, made.json())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def approve(
    api: Api, made: dict[str, Any], who: str = "district-approver", *, key: str | None = None
) -> httpx.Response:
    """Approve what an upload answered."""
    path = f"{LISTS}/{made['payment_list_id']}/approve"
    return await api.post(who, path, {"content_sha256": made["content_sha256"]}, key=key)


async def pay(api: Api, made: dict[str, Any], who: str = "district-payer", *, key: str | None = None) -> httpx.Response:
    """Pay a list."""
    return await api.post(who, f"{LISTS}/{made['payment_list_id']}/pay", key=key)


def secrets_of(people: Sequence[Person]) -> list[str]:
    """What may stand in no answer, log or refusal."""
    return [text for person in people for text in (person.identity, person.name, person.card)]
