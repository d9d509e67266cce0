"""The demonstration's people: the city's finance bureau, audit and inspection, and each district's offices.

Labels name a person in the tokens and in the demonstration's code: ``finance-maker``, ``420117-payer`` and so on. The
people are added as the owner, as an administrator would with ``fundledger token``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.db.connection import Connection
from fundledger.demo.caller import CITY, Caller

DISTRICTS = {
    420112: "东西湖区", 420113: "汉南区", 420114: "蔡甸区", 420115: "江夏区", 420116: "黄陂区", 420117: "新洲区",
}  # fmt: skip

_CITY_PEOPLE = (
    ("finance-maker", "finance", "武汉市财政局", "经办 陈明", ("maker",)),
    ("finance-approver", "finance", "武汉市财政局", "审批 刘芳", ("approver",)),
    ("auditor", "audit", "武汉市审计局", "审计 周正", ()),
    ("inspector", "inspection", "武汉市纪委监委", "监察 吴清", ()),
    ("admin", "admin", "武汉市扶贫信息中心", "管理员 郑宁", ()),
)
_DISTRICT_PEOPLE = (
    ("maker", "finance", "财政局", "经办", ("maker",)),
    ("approver", "finance", "财政局", "审批", ("approver",)),
    ("payer", "finance", "财政局", "支付", ("payer",)),
    ("poverty-maker", "poverty_office", "扶贫办", "经办", ("maker",)),
    ("poverty-approver", "poverty_office", "扶贫办", "审批", ("approver",)),
    ("poverty-reviewer", "poverty_office", "扶贫办", "审核", ("approver",)),
)


_TOWNSHIP_PEOPLE = (("township-maker", "经办", ("maker",)), ("township-approver", "审批", ("approver",)))
_VILLAGE = ("village-maker", "村委会", "村委会申报员", ("maker",))


@dataclass
class Offices:
    """Tokens by label, units by (book, kind), officers by (book, role)."""

    tokens: dict[str, str] = field(default_factory=dict)
    units: dict[tuple[int, str], UUID] = field(default_factory=dict)
    officers: dict[tuple[int, str], str] = field(default_factory=dict)


async def open_offices(owner: Connection) -> Offices:
    """Add units, people and their tokens."""
    offices = Offices()
    for label, kind, unit, name, duties in _CITY_PEOPLE:
        await _person(owner, offices, CITY, label, (kind, unit, name), duties)
    for book, district in DISTRICTS.items():
        for label, kind, unit, name, duties in _DISTRICT_PEOPLE:
            person = (kind, f"{district}{unit}", f"{district}{unit}{name}")
            await _person(owner, offices, book, f"{book}-{label}", person, duties)
    return offices


async def open_townships(owner: Connection, offices: Offices, villages: dict[int, str]) -> None:
    """One village in each district, which proposes projects, and its township, which reviews them."""
    for book, village in villages.items():
        for label, name, duties in _TOWNSHIP_PEOPLE:
            person = ("township", f"{DISTRICTS[book]}街道（乡镇）", f"{DISTRICTS[book]}街道{name}")
            await _person(owner, offices, book, f"{book}-{label}", person, duties, village[:9])
        label, unit, name, duties = _VILLAGE
        person = ("village", f"{DISTRICTS[book]}{unit}", f"{DISTRICTS[book]}{name}")
        await _person(owner, offices, book, f"{book}-{label}", person, duties, village)


async def _person(
    owner: Connection, offices: Offices, book: int, label: str, person: tuple[str, str, str], duties: tuple[str, ...],
    division_code: str | None = None,
) -> None:  # fmt: skip
    kind, unit, name = person
    unit_id = await add_unit(owner, book, kind, unit, division_code)
    offices.units[book, kind] = unit_id
    staff = await add_staff(owner, book, unit_id, name, duties)
    offices.tokens[label] = await issue(owner, book, staff)


async def appoint_officers(caller: Caller, offices: Offices) -> None:
    """An accountable and a supervising officer of every book, in office since 2018 (责任到区)."""
    for book in (CITY, *DISTRICTS):
        maker = "finance-maker" if book == CITY else f"{book}-maker"
        where = "武汉市" if book == CITY else DISTRICTS[book]
        for role, title in (("accountable", "扶贫资金责任人"), ("supervising", "扶贫资金监管责任人")):
            body = {
                "name": f"{where}{title}", "unit_id": str(offices.units[book, "finance"]), "role": role,
                "valid_from": "2018-01-01", "document_no": f"{where}任〔2018〕1号",
            }  # fmt: skip
            answer = await caller.post(maker, f"/v1/books/{book}/officers", body)
            offices.officers[book, role] = answer["officer_id"]


def header(offices: Offices, book: int, document_no: str, day: str, summary: str) -> dict[str, str]:
    """What every posting names: document, day, officers."""
    return {
        "document_no": document_no, "effective_on": day, "summary": summary,
        "officer_id": offices.officers[book, "accountable"], "supervisor_id": offices.officers[book, "supervising"],
    }  # fmt: skip
