"""February: three projects enter the library, are published at three levels, one is objected to; money goes to them."""

from __future__ import annotations

from typing import Any

from tests.builders import VILLAGE
from tests.stories.district_year.cast import SECOND_VILLAGE, Year, unit_of


def proposal(
    year: Year, code: str, programme: str, amount: str, sources: dict[str, str], **fields: Any
) -> dict[str, Any]:
    """A project as a village or the poverty office proposes it."""
    return {
        "code": code, "name": code, "programme_code": programme, "nature": "subsidy", "place": "全区",
        "location_kind": "rural", "planned_start": "2019-01-01", "planned_end": "2020-12-31",
        "responsible_unit_id": unit_of(year, "poverty-maker"), "managing_unit_id": unit_of(year, "poverty-maker"),
        "task": code, "households": 4, "persons": 9, "participation_mechanism": "优先吸纳建档立卡户务工",
        "performance_target": "4户增收", "document_no": year.document_no(), "planned_amount": amount,
        "indicators": [{"kind": "quantity", "name": "受益户数", "target_value": "4", "unit": "户"}],
        "financing": [{"fund_code": fund, "amount": part} for fund, part in sources.items()], **fields,
    }  # fmt: skip


async def the_road_is_proposed_reviewed_and_approved(year: Year) -> None:
    """Village, township, district: three levels, three people. Without a target there is no project."""
    sources = {"special_factor": "340000.00", "public_affairs": "120000.00"}
    body = proposal(year, "通村公路", "rural_works", "460000.00", sources, village_code=VILLAGE, nature="new_works")
    await year.refused("project-without-target", "village-clerk", "projects", {**body, "indicators": []})
    year.made["road"] = (await year.do("village-clerk", "projects", body))["project_id"]
    await decided(year, "road", "township-approver", "district-approver")
    await published(year, "road", "460000.00", ("village", "township", "district"))


async def the_award_and_the_clean_up_follow(year: Year) -> None:
    """An award for four households of the district; a clean-up of the second village."""
    award = proposal(year, "产业奖补", "industry_award", "16000.00", {"district_increment": "16000.00"})
    year.made["award"] = (await year.do("poverty-maker", "projects", award))["project_id"]
    await decided(year, "award", "poverty-approver", "district-approver")
    await published(year, "award", "16000.00", ("district",))
    clean = proposal(year, "村容整治", "village_public_affairs", "30000.00", {"public_affairs": "30000.00"},
                     village_code=SECOND_VILLAGE, nature="service")  # fmt: skip
    year.made["clean-up"] = (await year.do("township-maker", "projects", clean))["project_id"]
    await decided(year, "clean-up", "township-approver", "poverty-approver")
    await published(year, "clean-up", "30000.00", ("village", "township", "district"))


async def decided(year: Year, project: str, reviewer: str, approver: str) -> None:
    """Reviewed by one office, approved by another person of the district; the city has no verb for either."""
    path = f"projects/{year.made[project]}"
    await year.do(reviewer, f"{path}/review", {"version": 2, "document_no": year.document_no("街道")})
    await year.refused("forbidden-book", "city-approver", f"{path}/approve", {"version": 3, "document_no": "市1号"})
    await year.do(approver, f"{path}/approve", {"version": 3, "document_no": year.document_no("区扶组")})


async def published(year: Year, subject: str, amount: str, levels: tuple[str, ...], kind: str = "project",
                    days: tuple[str, str] = ("2019-02-20", "2019-03-10")) -> None:  # fmt: skip
    """Up at each level for its days, with the amount of the book."""
    for level in levels:
        notice = {"subject_kind": kind, "subject_id": year.made[subject], "level": level, "channel": "公开栏", "amount": amount,
                  "published_from": days[0], "published_to": days[1], "document_no": year.document_no("公示")}  # fmt: skip
        year.made[f"notice {subject}"] = (await year.do("district-maker", "notices", notice))["notice_id"]


async def a_notice_with_another_amount_is_no_notice(year: Year) -> None:
    """What is published must equal the book."""
    notice = {"subject_kind": "project", "subject_id": year.made["road"], "level": "village", "channel": "公开栏",
              "amount": "450000.00", "published_from": "2019-02-20", "published_to": "2019-03-10", "document_no": "公示"}  # fmt: skip
    await year.refused("published-amount-differs", "district-maker", "notices", notice)


async def a_villager_objects_and_is_answered(year: Year) -> None:
    """An objection (异议) to the road's notice, and the township's answer: nothing to mend."""
    path = f"notices/{year.made['notice road']}/objections"
    raised = {
        "received_on": "2019-02-25",
        "kind": "quality",
        "received_by": "visit",
        "document_no": year.document_no("异"),
    }
    made = await year.do("township-maker", path, raised)
    answer = {"version": 2, "finding": "rejected", "document_no": year.document_no("复")}
    await year.do("township-approver", f"{path}/{made['objection_id']}/answer", answer)
    assert [one["state"] for one in (await year.ask("auditor", path))["items"]] == ["open", "answered"]


async def money_goes_to_the_projects(year: Year) -> None:
    """Each source up to what was planned; the award waits for the rest of its money."""
    for project, parts in (
        ("road", {"factor": "340000.00", "village A": "120000.00"}),
        ("award", {"district_increment": "10000.00"}),
        ("clean-up", {"village B": "30000.00"}),
    ):
        await funded(year, project, parts)


async def funded(year: Year, project: str, parts: dict[str, str], day: str = "2019-03-12") -> None:
    """Money of allocations for a project."""
    lines = [{"allocation_id": year.made[name], "amount": amount} for name, amount in parts.items()]
    await year.posted("fundings", year.heading(day, "项目安排", project_id=year.made[project], lines=lines))
