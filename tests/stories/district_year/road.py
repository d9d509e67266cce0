"""The road: tender, contract, advance, progress, settlement, change, acceptance, and what is held back until a year later."""

from __future__ import annotations

from typing import Any

from fundledger.registry.identity import synthetic_uscc
from tests.stories.district_year.cast import Year

FIRMS = ("江城路桥有限公司", "楚天建设有限公司", "汉南工程有限公司", "黄陂市政有限公司")
ACCOUNT = "42001865536053001234"


async def firms_are_registered(year: Year) -> None:
    """Four firms, each with its credit code and account."""
    for number, name in enumerate(FIRMS):
        firm = {"kind": "supplier", "name": name, "credit_code": synthetic_uscc(900 + number), "account": ACCOUNT}
        year.made[name] = (await year.do("district-maker", "organisations", firm))["organisation_id"]


async def the_road_is_tendered(year: Year) -> None:
    """Estimate, documents, a window of 20 days, four bids, one of them struck out."""
    year.made["procurement body"] = await year.evidence("招标文件")
    opened = await year.do("district-maker", "procurements", tender(year, "tendering"))
    year.made["contract"] = opened["procurement_id"]
    bids = f"procurements/{year.made['contract']}/bids"
    offers = dict(zip(FIRMS, ("450000.00", "455000.00", "458000.00", "399000.00"), strict=True))
    made = {name: await bid(year, bids, name, price) for name, price in offers.items()}
    version = f"{bids}/{made[FIRMS[3]]}/versions"
    await bid(year, version, FIRMS[3], offers[FIRMS[3]], version=2, status="disqualified", reason="资质证书过期")


async def bid(year: Year, path: str, name: str, price: str, **fields: Any) -> str:
    """What a firm offers, or a new version of it; the bid's id."""
    body = {"bidder_id": year.made[name], "price": price, "received_on": "2019-04-02", "document_no": "标书1号",
            "evidence_sha256": await year.evidence(name), **fields}  # fmt: skip
    return str((await year.do("district-maker", path, body))["bid_id"])


def tender(year: Year, stage: str, **fields: Any) -> dict[str, Any]:
    """The record of the tender at a stage."""
    return {"project_id": year.made["road"], "title": "通村公路", "stage": stage, "method": "open", "estimate": "460000.00",
            "tender_period_start": "2019-03-14", "tender_period_end": "2019-04-03", "retention_percent": 3,
            "evidence_sha256": year.made["procurement body"], "document_no": "招〔2019〕1号", **fields}  # fmt: skip


async def the_contract_is_signed(year: Year) -> None:
    """The struck-out bidder can't win; the lowest valid bid does."""
    versions = f"procurements/{year.made['contract']}/versions"
    award = {"version": 2, "awarded_on": "2019-04-08", "awardee_id": year.made[FIRMS[3]]}
    await year.refused("award-without-bid", "district-maker", versions, tender(year, "awarded", **award))
    award["awardee_id"] = year.made[FIRMS[0]]
    await year.do("district-maker", versions, tender(year, "awarded", **award))
    contract = {"contract_no": "合〔2019〕1号", "contract_amount": "450000.00", "signed_on": "2019-04-10"}
    await year.do("district-maker", versions, tender(year, "contracted", **{**award, **contract, "version": 3}))


async def thirty_percent_are_advanced(year: Year) -> None:
    """135,000 to begin with, and not a fen more."""
    too_much = await year.do("district-maker", "payment-lists", bill(year, {"factor": "135000.01"}, "2019-04-15", kind="advance"),
                             query={"preview": "true"})  # fmt: skip
    assert [one["code"] for one in too_much["pending"]] == ["advance-above-limit"]
    year.made["advance"] = await paid(year, bill(year, {"factor": "135000.00"}, "2019-04-15", kind="advance"))


def bill(year: Year, parts: dict[str, str], day: str, **fields: Any) -> dict[str, Any]:
    """A list that pays the road's builder, a line for each fund (M13)."""
    lines = [{"credit_code": synthetic_uscc(900), "name": FIRMS[0], "account": ACCOUNT, "amount": amount,
              "allocation": year.made[name]} for name, amount in parts.items()]  # fmt: skip
    return {**year.heading(day, "工程款"), "project_id": year.made["road"], "programme_code": "rural_works",
            "period": day[:4], "entitlement_on": day, "payee_kind": "organisation",
            "sources": [{"allocation_id": year.made[name]} for name in parts], "lines": lines, **fields}  # fmt: skip


async def paid(year: Year, body: dict[str, Any]) -> str:
    """Made by one, approved by another, paid by a third; the entry's id."""
    made = await year.do("district-maker", "payment-lists", body)
    assert made["pending"] == [], made["pending"]
    path = f"payment-lists/{made['payment_list_id']}"
    await year.do("district-approver", f"{path}/approve", {"content_sha256": made["content_sha256"]})
    return str((await year.do("district-payer", f"{path}/pay"))["entry_id"])


async def claimed(year: Year, amount: str, percent: int) -> str:
    """A reimbursement claim (报账单) with its invoice, approved by another person."""
    voucher = {"kind": "invoice", "number": f"0420019001{len(year.made):08d}", "amount": amount,
               "evidence_sha256": await year.evidence("发票")}  # fmt: skip
    body = {"project_id": year.made["road"], "payee_id": year.made[FIRMS[0]], "amount": amount,
            "progress_percent": percent, "document_no": year.document_no("报账"), "vouchers": [voucher]}  # fmt: skip
    claim = str((await year.do("district-maker", "claims", body))["claim_id"])
    year.made[f"claim {claim}"] = claim
    await year.do("district-approver", f"claims/{claim}/review", {"decision": "approved", "document_no": "审1号"})
    return claim


async def accepted(year: Year, kind: str, percent: int, day: str) -> None:
    """Somebody looked at the work."""
    body = {"project_id": year.made["road"], "procurement_id": year.made["contract"], "kind": kind,
            "percent_complete": percent, "accepted_on": day, "passed": True,
            "evidence_sha256": await year.evidence("验收单"), "document_no": year.document_no("验")}  # fmt: skip
    await year.do("poverty-maker", "acceptances", body)


async def sixty_percent_are_built_and_paid(year: Year) -> None:
    """Of 270,000 accepted 135,000 were advanced; so 135,000 are paid, and the advance is settled."""
    bad = bill(year, {"factor": "135000.00"}, "2019-07-10", claim_id=await claimed(year, "135000.00", 60))
    preview = await year.do("district-maker", "payment-lists", bad, query={"preview": "true"})
    assert "ahead-of-progress" in {one["code"] for one in preview["pending"]}
    await accepted(year, "progress", 60, "2019-07-05")
    await paid(year, bad)
    body = year.heading("2019-07-15", "预拨清算", evidence_sha256=await year.evidence("结算单"),
                        lines=[{"entry_id": year.made["advance"], "line_no": 1}])  # fmt: skip
    await year.posted("settlements", body, maker="poverty-maker")


async def the_contract_grows_and_the_road_is_finished(year: Year) -> None:
    """A change of 10,000, final acceptance; all but the 3 % held back is paid."""
    change = {"amount": "10000.00", "reason": "地质条件变化", "document_no": "变更1号",
              "evidence_sha256": await year.evidence("变更单")}  # fmt: skip
    made = await year.do("district-maker", f"procurements/{year.made['contract']}/changes", change)
    path = f"procurements/{year.made['contract']}/changes/{made['change_id']}/review"
    await year.do("district-approver", path, {"decision": "approved", "document_no": "变批1号"})
    await accepted(year, "final", 100, "2019-10-31")
    whole = {"factor": "70000.00", "village A": "120000.00"}
    last = bill(year, whole, "2019-11-20", claim_id=await claimed(year, "190000.00", 100))
    preview = await year.do("district-maker", "payment-lists", last, query={"preview": "true"})
    assert [one["code"] for one in preview["pending"]] == ["retention-held"]
    claim = await claimed(year, "176200.00", 100)
    await paid(year, bill(year, {**whole, "village A": "106200.00"}, "2019-11-20", claim_id=claim))


async def what_was_held_back_is_paid_a_year_later(year: Year) -> None:
    """13,800 from the money that was carried over, 365 days after the final acceptance."""
    rest, body = {"village A": "13800.00"}, {"claim_id": await claimed(year, "13800.00", 100), "is_final": True}
    early = bill(year, rest, "2020-10-29", **body)
    preview = await year.do("district-maker", "payment-lists", early, query={"preview": "true"})
    assert [one["code"] for one in preview["pending"]] == ["retention-held"]
    await paid(year, bill(year, rest, "2020-11-02", **body))
