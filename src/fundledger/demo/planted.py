"""Attempts that the gate refuses and keeps as evidence (refused attempts, rule 11); listed in demo/README.md."""

from __future__ import annotations

from typing import Any

from fundledger.demo.caller import CITY, Caller
from fundledger.demo.district import District, upload
from fundledger.demo.lists import of_head
from fundledger.demo.offices import Offices, header


async def refused_in_district(district: District) -> None:
    """Paying a list that was never published, and paying a project's last money before its acceptance."""
    some = district.households
    hidden = [of_head(one, "1000.00", quantity=2, participation_ref="产业台账") for one in some[50:53]]
    made = await upload(district, "industry", "household", "2019-H2", "2019-10-10", hidden)
    await _try_to_pay(district, made, "list-not-published")
    early = [of_head(one, "120.00") for one in some[12:14]]
    made = await upload(district, "dibao", "household", "2019-H2", "2019-10-12", early, final=True)
    await _try_to_pay(district, made, "acceptance-missing")


async def _try_to_pay(district: District, made: dict[str, Any], code: str) -> None:
    list_id = made["payment_list_id"]
    body = {"content_sha256": made["content_sha256"]}
    await district.caller.post(
        district.who("poverty-approver"), district.path(f"payment-lists/{list_id}/approve"), body
    )
    for _ in range(2):  # tried twice: counted, not added
        await district.caller.refused(district.who("payer"), district.path(f"payment-lists/{list_id}/pay"), None, code)


async def refused_in_city(caller: Caller, offices: Offices, allocation: dict[str, Any]) -> None:
    """Releasing more than an allocation holds."""
    body = {**header(offices, CITY, "武财农〔2019〕99号", "2019-11-01", "超额下达（示范）"), "kind": "instalment",
            "lines": [{"allocation_id": allocation["allocation_id"], "amount": "99000000.00"}]}  # fmt: skip
    draft = await caller.post("finance-maker", f"/v1/books/{CITY}/releases", body)
    path = f"/v1/books/{CITY}/instructions/{draft['instruction_id']}/approve"
    await caller.refused("finance-approver", path, {"content_sha256": draft["content_sha256"]}, "balance-insufficient")
