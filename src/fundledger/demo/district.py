"""One district's year: its library, tendering, notices, payment lists to households and suppliers, the bank.

Each project goes the whole way a district must show (五到区): proposed, reviewed and approved by three people,
published, with an award or an exemption, officers in office, the list published before it is approved and paid by a
third person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fundledger.demo.budget import every
from fundledger.demo.caller import YEAR, Caller
from fundledger.demo.offices import DISTRICTS, Offices, header
from fundledger.demo.people import Household
from fundledger.registry.identity import synthetic_uscc


@dataclass
class District:
    """What the steps of one district share. `sources`: allocation ids by fund (and village, where there is one)."""

    caller: Caller
    offices: Offices
    book: int
    households: list[Household]
    own: dict[str, str]
    village: str
    allocations: list[dict[str, Any]] = field(default_factory=list)
    projects: dict[str, str] = field(default_factory=dict)
    procurements: dict[str, str] = field(default_factory=dict)
    suppliers: dict[str, str] = field(default_factory=dict)
    number: int = 0

    @property
    def name(self) -> str:
        """The district's name."""
        return DISTRICTS[self.book]

    def path(self, rest: str) -> str:
        """A path in the district's book."""
        return f"/v1/books/{self.book}/{rest}"

    def who(self, person: str) -> str:
        """A person's label."""
        return f"{self.book}-{person}"

    def document(self, office: str) -> str:
        """The next document number of an office of the district."""
        self.number += 1
        return f"{self.name}{office}〔{YEAR}〕{self.number}号"

    def head(self, day: str, summary: str) -> dict[str, str]:
        """A posting's header with the next document number."""
        return header(self.offices, self.book, self.document("财农"), day, summary)

    def allocation(self, fund: str, village: str | None = None) -> dict[str, Any]:
        """The district's allocation of a fund (for a village)."""
        return next(one for one in self.allocations if one["fund_code"] == fund and one["village_code"] == village)


@dataclass(frozen=True, slots=True)
class Plan:
    """A project of the demonstration: what for, where, how much from which fund, and how it is procured."""

    code: str
    name: str
    programme: str
    amount: str
    fund: str
    in_village: bool = False
    exemption: str | None = "household_subsidy"


PLANS = (
    Plan("housing", "农村危房改造", "housing_repair", "1200000.00", "district_increment"),
    Plan("industry", "产业发展奖补", "industry_award", "140000.00", "special_factor"),
    Plan("labour", "公益岗位劳务补助", "labour_subsidy", "100000.00", "recovered_stock"),
    Plan("pupils", "建档立卡学生补助", "education_aid", "300000.00", "recovered_stock"),
    Plan("dibao", "低保增发补助", "dibao_topup", "200000.00", "district_increment"),
    Plan("road", "通村公路硬化", "rural_works", "110000.00", "targeted", in_village=True, exemption=None),
    Plan("affairs", "村级公共事务", "village_public_affairs", "50000.00", "public_affairs", in_village=True,
         exemption="village_self_build"),
)  # fmt: skip


async def evidence(district: District, title: str) -> str:
    """Keep a document as evidence; its SHA-256. (The demonstration's documents are a line of text.)"""
    content = f"{district.name} {title}（示范材料）".encode()
    path = district.path(f"evidence?title={quote(title)}")
    answer = await district.caller.send(district.who("maker"), path, content, "text/plain")
    return str(answer["sha256"])


async def open_library(district: District) -> None:
    """Propose, review, approve and publish the projects, procure, and fund each with its money."""
    path = f"/v1/books/{district.book}/allocations"
    district.allocations = await every(district.caller, district.who("maker"), path)
    for plan in PLANS:
        if plan.fund == "targeted" and not any(one["fund_code"] == "targeted" for one in district.allocations):
            continue  # a district without poor villages
        await _open_project(district, plan)
        await _procure(district, plan)
        await _fund(district, plan)


async def _open_project(district: District, plan: Plan) -> None:
    """Proposed, reviewed and approved by three people, the township first where it is a village's; published."""
    caller, place = district.caller, "township" if plan.in_village else "poverty"
    project = await caller.post(district.who(f"{place}-maker"), district.path("projects"), _proposal(district, plan))
    district.projects[plan.code] = project["project_id"]
    reviewer = "township-approver" if plan.in_village else "poverty-reviewer"
    for version, (who, verb) in enumerate(((reviewer, "review"), ("poverty-approver", "approve")), start=2):
        verdict = {"version": version, "document_no": district.document("扶组")}
        await caller.post(district.who(who), district.path(f"projects/{project['project_id']}/{verb}"), verdict)
    days = ("2019-01-20", "2019-02-10")
    for level in ("village", "township", "district") if plan.in_village else ("district",):
        await publish(district, "project", project["project_id"], plan.amount, days, level)


def _proposal(district: District, plan: Plan) -> dict[str, Any]:
    unit = str(district.offices.units[district.book, "poverty_office"])
    works = plan.exemption is None
    return {
        "code": f"{district.book}-{YEAR}-{plan.code}", "name": f"{district.name}{plan.name}",
        "programme_code": plan.programme, "village_code": district.village if plan.in_village else None,
        "nature": "new_works" if works else "service" if plan.in_village else "subsidy",
        "place": "本村" if plan.in_village else "全区", "location_kind": "rural", "planned_start": "2019-01-01",
        "planned_end": "2019-12-31", "responsible_unit_id": unit, "managing_unit_id": unit, "task": plan.name,
        "households": len(district.households), "persons": 2 * len(district.households),
        "participation_mechanism": "优先吸纳建档立卡户参与并取得报酬",
        "performance_target": "当年完成并验收合格，群众满意度不低于90%",
        "indicators": [
            {"kind": "quantity", "name": "受益户数", "target_value": str(len(district.households)), "unit": "户"},
            {"kind": "satisfaction", "name": "群众满意度", "target_value": "90", "unit": "%"},
        ],
        "planned_amount": plan.amount, "financing": [{"fund_code": plan.fund, "amount": plan.amount}],
        "document_no": district.document("扶办"),
    }  # fmt: skip


async def publish(
    district: District, kind: str, subject: str, amount: str, days: tuple[str, str], level: str = "village"
) -> None:
    """A notice on the village boards, or at another level."""
    body = {
        "subject_kind": kind, "subject_id": subject, "level": level,
        "channel": "村务公开栏" if level == "village" else "政府信息公开网",
        "published_from": days[0],
        "published_to": days[1], "amount": amount, "document_no": district.document("公示"),
    }  # fmt: skip
    await district.caller.post(district.who("poverty-maker"), district.path("notices"), body)


async def _procure(district: District, plan: Plan) -> None:
    body: dict[str, Any] = {
        "project_id": district.projects[plan.code], "estimate": plan.amount, "document_no": district.document("招"),
        "evidence_sha256": await evidence(district, f"{plan.name}招标文件或豁免依据"), "title": plan.name,
    }  # fmt: skip
    if plan.exemption is not None:
        body |= {"method": "exempt", "exemption_code": plan.exemption}
        made = await district.caller.post(district.who("maker"), district.path("procurements"), body)
    else:
        made = await _tender(district, body)
    district.procurements[plan.code] = made["procurement_id"]


async def _tender(district: District, body: dict[str, Any]) -> dict[str, Any]:
    """An open tender: the notice, three bids, the award to the lowest, the contract with its retention."""
    caller, maker = district.caller, district.who("maker")
    body |= {"method": "open", "tender_period_start": "2019-02-11", "tender_period_end": "2019-03-08",
             "retention_percent": 3}  # fmt: skip
    made = await caller.post(maker, district.path("procurements"), body | {"stage": "tendering"})
    path = district.path(f"procurements/{made['procurement_id']}")
    bidders = [await organisation(district, "supplier", name, number) for name, number in BIDDERS]
    for bidder, price in zip(bidders, ("100000.00", "104500.00", "108000.00"), strict=True):
        bid = {"bidder_id": bidder["organisation_id"], "price": price, "received_on": "2019-03-08",
               "evidence_sha256": await evidence(district, f"投标文件{bidder['name']}"),
               "document_no": district.document("标")}  # fmt: skip
        await caller.post(maker, f"{path}/bids", bid)
    district.suppliers["road"] = bidders[0]["organisation_id"]
    body |= {"awardee_id": bidders[0]["organisation_id"], "awarded_on": "2019-03-12"}
    await caller.post(maker, f"{path}/versions", body | {"stage": "awarded", "version": 2})
    body |= {"contract_no": f"HT-{district.book}-1", "contract_amount": "100000.00", "signed_on": "2019-03-20"}
    answer: dict[str, Any] = await caller.post(maker, f"{path}/versions", body | {"stage": "contracted", "version": 3})
    return answer


async def claim(district: District, code: str, payee_id: str, amount: str, percent: int) -> str:
    """A payee's claim with its invoice, approved by the poverty office; the claim's id."""
    district.number += 1
    body = {
        "project_id": district.projects[code], "procurement_id": district.procurements[code], "payee_id": payee_id,
        "amount": amount, "progress_percent": percent, "document_no": district.document("报"),
        "vouchers": [{"kind": "invoice", "number": f"{district.book}{district.number:08}", "amount": amount,
                      "evidence_sha256": await evidence(district, f"发票{district.number}")}],
    }  # fmt: skip
    made = await district.caller.post(district.who("poverty-maker"), district.path("claims"), body)
    review = {"decision": "approved", "document_no": district.document("审")}
    path = district.path(f"claims/{made['claim_id']}/review")
    await district.caller.post(district.who("poverty-approver"), path, review)
    return str(made["claim_id"])


async def organisation(district: District, kind: str, name: str, number: int) -> dict[str, Any]:
    """A synthetic organisation of the district, with its account."""
    body = {"kind": kind, "name": f"{district.name}{name}", "credit_code": credit_code(district, number),
            "account": account_no(number)}  # fmt: skip
    answer: dict[str, Any] = await district.caller.post(district.who("maker"), district.path("organisations"), body)
    return answer


def account_no(number: int) -> str:
    """The corporate account of a synthetic organisation."""
    return f"42010000000000{number:02}"


def credit_code(district: District, number: int) -> str:
    """A valid unified social credit code that belongs to nobody."""
    return synthetic_uscc((district.book - 420100) * 100 + number)


async def _fund(district: District, plan: Plan) -> None:
    allocation = district.own.get(plan.fund)
    if allocation is None:
        allocation = district.allocation(plan.fund, district.village if plan.in_village else None)["allocation_id"]
    body = {**district.head("2019-03-01", f"安排{plan.name}"), "project_id": district.projects[plan.code],
            "lines": [{"allocation_id": allocation, "amount": plan.amount}]}  # fmt: skip
    draft = await district.caller.post(district.who("maker"), district.path("fundings"), body)
    await district.caller.approve(district.who("approver"), district.book, draft)


BIDDERS = (("路桥工程有限公司（示范）", 1), ("市政工程有限公司（示范）", 3), ("建设工程有限公司（示范）", 4))
"""Who bids for the road; the first wins."""


def source_of(district: District, code: str) -> str:
    """The allocation that a project was funded from."""
    plan = next(plan for plan in PLANS if plan.code == code)
    if plan.fund in district.own:
        return district.own[plan.fund]
    return str(district.allocation(plan.fund, district.village if plan.in_village else None)["allocation_id"])


async def accept(district: District, code: str, day: str, percent: int = 100) -> None:
    """Acceptance of a project (验收): of its progress, or final."""
    body: dict[str, Any] = {"project_id": district.projects[code], "accepted_on": day, "passed": True,
            "kind": "final" if percent == 100 else "progress", "percent_complete": percent,
            "evidence_sha256": await evidence(district, f"{code}验收{percent}%"),
            "document_no": district.document("验")}  # fmt: skip
    await district.caller.post(district.who("poverty-maker"), district.path("acceptances"), body)


def entitled_on(period: str) -> str:
    """The day whose rosters count: the first of the month, half-year or year."""
    month = {"": "01", "H1": "01", "H2": "07"}.get(period[5:], period[5:])
    return f"{period[:4]}-{month}-01"


async def upload(
    district: District,
    code: str,
    kind: str,
    period: str,
    day: str,
    lines: list[dict[str, Any]],
    *,
    final: bool = False,
    claim_id: str | None = None,
) -> dict[str, Any]:
    """Upload a payment list."""
    plan = next(plan for plan in PLANS if plan.code == code)
    body = {
        **district.head(day, f"{plan.name} {period}"), "project_id": district.projects[code],
        "programme_code": plan.programme, "period": period, "entitlement_on": entitled_on(period), "payee_kind": kind,
        "is_final": final, "claim_id": claim_id,
        "sources": [{"allocation_id": source_of(district, code)}], "lines": lines,
    }  # fmt: skip
    answer: dict[str, Any] = await district.caller.post(
        district.who("poverty-maker"), district.path("payment-lists"), body
    )
    return answer


async def reissue(district: District, made: dict[str, Any], day: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Draft a list that pays again what came back of another (重发)."""
    body = {**district.head(day, f"退票重发 {made['period']}"), "lines": lines}
    path = district.path(f"payment-lists/{made['payment_list_id']}/reissues")
    answer: dict[str, Any] = await district.caller.post(district.who("poverty-maker"), path, body)
    return answer


async def pay(district: District, made: dict[str, Any], days: tuple[str, str] | None) -> str:
    """Publish (a list of persons or households, unless it was before), approve and pay a list; the entry's id."""
    list_id = made["payment_list_id"]
    if days is not None and made["payee_kind"] != "organisation":
        await publish(district, "payment_list", list_id, made["total"], days)
    body = {"content_sha256": made["content_sha256"]}
    await district.caller.post(
        district.who("poverty-approver"), district.path(f"payment-lists/{list_id}/approve"), body
    )
    posted = await district.caller.post(district.who("payer"), district.path(f"payment-lists/{list_id}/pay"))
    return str(posted["entry_id"])


async def bank(
    district: District, made: dict[str, Any], day: str, *, returned: tuple[int, ...] = (), silent: tuple[int, ...] = ()
) -> None:
    """The bank's answer: credited, but for lines that came back (posted back at once) and lines it says nothing of."""
    results = [
        {"line_no": number, "outcome": "returned" if number in returned else "credited",
         "reason": "账号户名不符" if number in returned else None}
        for number in range(1, made["line_count"] + 1) if number not in silent
    ]  # fmt: skip
    body: dict[str, Any] = {"document_no": district.document("银回"), "settled_on": day,
                            "payment_list_id": made["payment_list_id"], "results": results}  # fmt: skip
    if returned:
        body |= {"effective_on": day, "officer_id": district.offices.officers[district.book, "accountable"],
                 "supervisor_id": district.offices.officers[district.book, "supervising"]}  # fmt: skip
    answer = await district.caller.post(district.who("maker"), district.path("bank-results"), body)
    for draft in answer["returns"]:
        await district.caller.approve(district.who("approver"), district.book, draft)
