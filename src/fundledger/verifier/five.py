"""Five to the district (五到区): what a posting refers to outside the book, as it was when it was recorded.

Each check takes the walk and an entry (or one of its lines) and answers None or what is wrong; what the bundle lacks is
reported as incomplete. Rules and days are the gate's (docs/decisions/0001, 0006, 0007); those that need more than the
bundle holds (rosters, standards, progress) stay the gate's, and docs/bundle.md says so.
"""

from __future__ import annotations

from collections.abc import Callable

from fundledger.money import format_yuan
from fundledger.verifier.money import PAYING
from fundledger.verifier.registry import Procurement, Project, amount_of, at, published
from fundledger.verifier.report import Place
from fundledger.verifier.schema import Entry2, fen
from fundledger.verifier.state import Item, Open, Walk

FIVE = frozenset({"pay", "advance"})
"""Payments that need all five (pay_other is outside)."""
SUPERVISED = frozenset({"pay", "advance", "settle", "fund"})
NEGATIVE = (
    "301", "31299", "30901", "31001", "307", "30906", "31006", "31013", "31019", "30905", "39907", "31203",
)  # fmt: skip
"""Economic classes that poverty money never pays (负面清单), as prefixes."""
EXEMPTIONS: dict[str, tuple[str, str]] = {
    "household_subsidy": ("housing industry employment education minimum_living", "household person"),
    "below_threshold": ("*", "*"),
    "village_self_build": ("infrastructure public_affairs", "organisation"),
    "work_relief": ("infrastructure employment", "*"),
    "emergency": ("infrastructure housing public_affairs", "organisation"),
}
"""Which categories of project, and which payees, an exemption is for."""

EntryCheck = Callable[[Walk, Open], Place | None]
LineCheck = Callable[[Walk, Item], Place | None]


def officers_in_office(walk: Walk, here: Open) -> Place | None:
    """责任到区: the accountable officer's term holds on the day; a supervising one's too, who is somebody else."""
    entry = here.entry
    wanted = [("accountable", entry.officer_id)]
    if entry.supervisor_id is not None:
        wanted.append(("supervising", entry.supervisor_id))
    elif entry.entry_kind in SUPERVISED:
        return {"reason": "no supervising officer"}
    if entry.officer_id == entry.supervisor_id:
        return {"officer": entry.officer_id, "reason": "one person for both"}
    for role, officer in wanted:
        versions = walk.registry.terms.get(officer)
        if versions is None:
            walk.lacks("officers-in-office", here, officer=officer)
            continue
        term = at(versions, entry.recorded_at)
        own = term is not None and (term.book == entry.book or entry.crossing_id is not None)
        if term is None or not own or term.role != role or not term.valid_from <= here.day <= (term.valid_to or "9"):
            return {"officer": officer, "role": role, "day": here.day}
    return None


def duties_are_held(walk: Walk, here: Open) -> Place | None:
    """Maker, approver and payer are staff of the book with the duty; the payer of a finance office."""
    entry = here.entry
    for duty, person in (("maker", entry.maker_id), ("approver", entry.approver_id), ("payer", entry.payer_id)):
        if person is None:
            continue
        staff = walk.registry.staff.get(person)
        if staff is None:
            walk.lacks("duties-are-held", here, staff=person)
        elif duty not in staff.duties or (staff.book != entry.book and entry.crossing_id is None):
            return {"staff": person, "duty": duty}
        elif duty == "payer" and staff.unit_kind != "finance":
            return {"staff": person, "duty": duty, "unit_kind": staff.unit_kind}
    return None


def project_in_library(walk: Walk, here: Open) -> Place | None:
    """项目到区 of a payment: see `_project_fault`; the programme is the project's."""
    listed = here.entry.list
    if here.entry.entry_kind not in FIVE:
        return None
    if listed is None or listed.project_id is None:
        return {"reason": "no project is named"}
    found = _project_fault(walk, here, listed.project_id)
    if found is not None:
        return found
    project = walk.registry.project(listed.project_id, here.entry.book, here.entry.recorded_at)
    if project is not None and project.programme_code != listed.programme_code:
        return {"project": project.project_id, "programme": project.programme_code, "paid": listed.programme_code}
    return None


def project_published(walk: Walk, here: Open) -> Place | None:
    """The project's amount was published at each level for as many days as the parameter of that day asks."""
    listed = here.entry.list
    if here.entry.entry_kind not in FIVE or listed is None or listed.project_id is None:
        return None
    entry = here.entry
    project = walk.registry.project(listed.project_id, entry.book, entry.recorded_at)
    if project is None:
        return None
    levels = ("district",) if project.village_code is None else ("village", "township", "district")
    notices = walk.registry.standing_notices(project.project_id, entry.book, entry.recorded_at)
    for level in levels:
        needed = walk.registry.value(f"publicity_days_{level}", here.day)
        if needed is None:
            walk.lacks("project-published", here, parameter=f"publicity_days_{level}")
        days = [
            published(one, here.day)
            for one in notices
            if (one.subject_kind, one.level) == ("project", level) and amount_of(one) == project.planned_amount
        ]
        if max(days, default=0) < max(needed or 1, 1):
            return {"project": project.project_id, "level": level, "days": max(days, default=0), "needed": needed}
    return None


def list_published(walk: Walk, here: Open) -> Place | None:
    """A list of households or persons was published with its total before it was paid; not where it pays again."""
    entry, listed = here.entry, here.entry.list
    if entry.entry_kind not in FIVE or listed is None or listed.payee_kind == "organisation" or not here.whole:
        return None
    if here.reissues == here.lines:
        return None
    notices = walk.registry.standing_notices(entry.instruction_id, entry.book, entry.recorded_at)
    if any(published(one, here.day) > 0 and one.amount == entry.total for one in notices):
        return None
    return {"list": entry.instruction_id, "total": entry.total, "published": [one.amount for one in notices]}


def procurement_fits(walk: Walk, here: Open) -> Place | None:
    """招投标到区: a signed contract that is not exceeded, or an exemption for this kind of project and payee."""
    entry, listed = here.entry, here.entry.list
    if entry.entry_kind not in FIVE or listed is None or listed.project_id is None:
        return None
    procurement = _procurement(walk, here)
    if procurement is None:
        known = walk.registry.projects.get(listed.project_id)
        return {"project": listed.project_id, "reason": "no award and no exemption"} if known else None
    here.procurement = procurement
    if procurement.project_id != listed.project_id or procurement.book != entry.book:
        return {"procurement": procurement.procurement_id, "reason": "of another project"}
    if (procurement.stage or "contracted") != "contracted":
        return {"procurement": procurement.procurement_id, "stage": procurement.stage}
    if procurement.method == "exempt":
        return _exemption(walk, here, procurement)
    return _within_contract(walk, here, procurement)


def payee_is_awardee(walk: Walk, item: Item) -> Place | None:
    """Under a contract every payee is the awardee."""
    procurement = item.open.procurement
    if procurement is None or procurement.method == "exempt" or item.line.payee_id == procurement.awardee_id:
        return None
    return {"procurement": procurement.procurement_id, "awardee": procurement.awardee_id, "payee": item.line.payee_id}


def accepted_before_final(walk: Walk, here: Open) -> Place | None:
    """管理到区: the final acceptance stands before the final payment; and there is a managing unit."""
    entry, listed = here.entry, here.entry.list
    if entry.entry_kind not in FIVE or listed is None or listed.project_id is None:
        return None
    project = walk.registry.project(listed.project_id, entry.book, entry.recorded_at)
    if project is not None and project.managing_unit_id is None:
        return {"project": project.project_id, "reason": "no managing unit"}
    if not listed.is_final or entry.entry_kind != "pay" or project is None:
        return None
    named = None if here.procurement is None else here.procurement.procurement_id
    records = walk.registry.acceptances.get(listed.project_id, [])
    ids = {one.acceptance_id for one in records}
    for acceptance in ids:
        found = at((one for one in records if one.acceptance_id == acceptance), entry.recorded_at)
        if (found is not None and found.passed and found.kind == "final" and found.accepted_on <= here.day
                and found.procurement_id in (None, named)):  # fmt: skip
            return None
    return {"project": listed.project_id, "reason": "not accepted by that day"}


def money_fits(walk: Walk, item: Item) -> Place | None:
    """资金到区: fund, year and document are the allocation's; it is this district's money, of a year that has begun."""
    line, here = item.line, item.open
    allocation_id = line.debit.allocation_id or line.credit.allocation_id
    if allocation_id is not None:
        allocation = walk.registry.allocations.get(allocation_id)
        if allocation is None:
            walk.lacks("money-fits", here, line=line.line_no, allocation=allocation_id)
        elif (line.fund_code, line.fiscal_year, line.district, line.village_code, line.allocation_document_no) != (
            allocation.fund_code, allocation.fiscal_year, allocation.district, allocation.village_code,
            allocation.document_no,
        ):  # fmt: skip
            return {"allocation": allocation_id, "reason": "fund, year, district, village or document differ"}
    if here.entry.entry_kind in PAYING:
        if line.district != line.book:
            return {"district": line.district, "reason": "money of another district"}
        if str(line.fiscal_year) > here.day[:4]:
            return {"fiscal_year": line.fiscal_year, "day": here.day}
    return None


def purpose_fits(walk: Walk, here: Open) -> Place | None:
    """资金到区: no payment of a class of the negative list."""
    entry = here.entry
    if entry.entry_kind in FIVE and entry.economic_class.startswith(NEGATIVE):
        return {"economic_class": entry.economic_class, "reason": "negative list"}
    return None


def funded_project(walk: Walk, item: Item) -> Place | None:
    """Money is given to an approved project of the district's library, and a village's money to no other village."""
    line = item.line
    project_id = line.debit.project_id
    if item.open.entry.entry_kind not in ("fund", *FIVE) or project_id is None:
        return None
    if item.open.entry.entry_kind == "fund":
        found = _project_fault(walk, item.open, project_id)
        if found is not None:
            return found
    project = walk.registry.project(project_id, line.book, item.open.entry.recorded_at)
    if project is None or line.village_code is None or project.village_code in (None, line.village_code):
        return None
    return {"project": project_id, "village": project.village_code, "money_of": line.village_code}


ENTRY_CHECKS: tuple[tuple[str, EntryCheck], ...] = (
    ("officers-in-office", officers_in_office),
    ("duties-are-held", duties_are_held),
    ("project-in-library", project_in_library),
    ("project-published", project_published),
    ("procurement-fits", procurement_fits),
    ("accepted-before-final", accepted_before_final),
    ("money-fits", purpose_fits),
)
END_CHECKS: tuple[tuple[str, EntryCheck], ...] = (("project-published", list_published),)
FIVE_LINE_CHECKS: tuple[tuple[str, LineCheck], ...] = (
    ("procurement-fits", payee_is_awardee),
    ("money-fits", money_fits),
    ("project-in-library", funded_project),
)


def _project_fault(walk: Walk, here: Open, project_id: str) -> Place | None:
    versions = walk.registry.projects.get(project_id)
    if versions is None:
        walk.lacks("project-in-library", here, project=project_id)
        return None
    project = walk.registry.project(project_id, here.entry.book, here.entry.recorded_at)
    if project is None:
        return {"project": project_id, "library_of": sorted({one.book for one in versions}),
                "reason": "not in this district's library"}  # fmt: skip
    return _unapproved(project)


def _unapproved(project: Project) -> Place | None:
    if project.status != "approved":
        return {"project": project.project_id, "status": project.status}
    if not project.has_target or project.indicators == 0:
        return {"project": project.project_id, "reason": "no target or no indicator"}
    return {"project": project.project_id, "reason": "urban"} if project.location_kind == "urban" else None


def _procurement(walk: Walk, here: Open) -> Procurement | None:
    """The procurement the list names, or the only one of its project."""
    entry, listed = here.entry, here.entry.list
    assert listed is not None
    named = listed.procurement_id if isinstance(entry, Entry2) and hasattr(listed, "procurement_id") else None
    if named is None:
        begun = [one for one in walk.registry.of_project.get(listed.project_id or "", ())
                 if at(walk.registry.procurements[one], entry.recorded_at) is not None]  # fmt: skip
        named = begun[0] if len(begun) == 1 else None
    elif named not in walk.registry.procurements:
        walk.lacks("procurement-fits", here, procurement=named)
    return None if named is None else at(walk.registry.procurements.get(named, ()), entry.recorded_at)


def _exemption(walk: Walk, here: Open, procurement: Procurement) -> Place | None:
    listed = here.entry.list
    assert listed is not None
    project = walk.registry.project(procurement.project_id, here.entry.book, here.entry.recorded_at)
    categories, payees = EXEMPTIONS.get(procurement.exemption_code or "", ("", ""))
    fits = categories == "*" or (project is not None and project.category in categories.split())
    if not procurement.has_evidence or not fits or not (payees == "*" or listed.payee_kind in payees.split()):
        return {"procurement": procurement.procurement_id, "exemption": procurement.exemption_code}
    return None


def _within_contract(walk: Walk, here: Open, procurement: Procurement) -> Place | None:
    if not walk.contract_held(here.entry.book):
        return None
    key = (here.entry.book, procurement.procurement_id)
    paid = walk.paid.get(key, 0) + fen(here.entry.total)
    walk.paid[key] = paid
    contract = walk.registry.contract(procurement, here.entry.recorded_at)
    if paid <= contract:
        return None
    return {"procurement": procurement.procurement_id, "contract": format_yuan(contract), "paid": format_yuan(paid)}
