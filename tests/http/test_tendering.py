"""Tendering and management over HTTP: evidence, the stages of a procurement, bids, changes, claims, the OCDS release."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import Any
from uuid import UUID

import pytest

from fundledger.ids import new_id
from fundledger.projects.evidence import DOCX, XLSX
from tests.budget.calls import refused
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, World
from tests.web import Api

BOOK = f"/v1/books/{DISTRICT}"
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\nroad"


def archive(folder: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr(f"{folder}/document.xml", "<x/>")
    return held.getvalue()


SOUND = {
    "application/pdf": PDF, "image/jpeg": b"\xff\xd8\xff\xe0JFIF", "image/png": b"\x89PNG\r\n\x1a\n....",
    XLSX: archive("xl"), DOCX: archive("word"), "text/csv": "姓名,金额\n".encode("gb18030"), "text/plain": "验收单".encode(),
}  # fmt: skip


async def kept(api: Api, content: bytes = PDF, media: str = "application/pdf", title: str = "招标文件",
               who: str = "district-maker", key: str | None = None) -> Any:  # fmt: skip
    return await api.client.post(
        f"{BOOK}/evidence", params={"title": title}, content=content,
        headers=api.headers(who, key) | {"Content-Type": media},
    )  # fmt: skip


async def document(api: Api) -> str:
    answer = await kept(api, f"材料{new_id()}".encode(), "text/plain")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["sha256"])


async def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("media", SOUND)
async def test_a_document_is_kept_under_its_hash_and_comes_back_as_it_was(media: str, api: Api) -> None:
    content = SOUND[media]
    first = await made(await kept(api, content, media))
    assert first["sha256"] == hashlib.sha256(content).hexdigest()
    assert (first["media_type"], first["size_bytes"], first["title"]) == (media, len(content), "招标文件")
    answer = await api.get("township-maker", f"{BOOK}/evidence/{first['sha256']}/content")
    assert (answer.content, answer.headers["Content-Type"].partition(";")[0]) == (content, media)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")


async def test_the_same_document_twice_is_one_record_with_its_first_title(api: Api, world: World) -> None:
    first = await made(await kept(api, title="合同", key="a"))
    again = await kept(api, title="合同", key="a")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first)
    other = await made(await kept(api, title="另一个标题", who="poverty-maker"))
    assert other == first
    assert await world.service.fetchval("SELECT count(*) FROM evidence WHERE book = $1", DISTRICT) == 1
    page = (await api.get("auditor", f"{BOOK}/evidence")).json()
    assert page == {"items": [first], "next": None}
    assert refused(await kept(api, title="合同2", key="a")) == {"idempotency-conflict"}


@pytest.mark.parametrize("media", SOUND)
async def test_a_document_of_another_type_than_it_says_is_refused(media: str, api: Api, world: World) -> None:
    for content in (b"MZ\0\0", b"PK\x03\x04 not an archive", archive("ppt")):
        assert refused(await kept(api, content, media)) == {"evidence-type-differs"}, content
    assert await world.service.fetchval("SELECT count(*) FROM evidence") == 0


async def test_a_document_is_refused_for_its_type_size_or_title(api: Api) -> None:
    assert refused(await kept(api, b"<html>", "text/html")) == {"evidence-type-unknown"}
    assert refused(await kept(api, b"", "text/plain")) == {"evidence-size"}
    assert refused(await kept(api, b"a" * 20_971_521, "text/plain")) == {"evidence-size"}
    for title in ("张三11010519491231002X的发票", "卡6222020200112233445", "电话13800138000"):
        assert refused(await kept(api, title=title)) == {"evidence-title-personal"}, title
    assert (await kept(api, title="武财农〔2019〕20190301号")).status_code == 201


async def test_documents_are_for_the_people_of_the_book_auditors_and_inspectors(api: Api) -> None:
    sha = (await made(await kept(api)))["sha256"]
    for who, status in (
        ("poverty-maker", 200),
        ("auditor", 200),
        ("inspector", 200),
        ("city-maker", 403),
        ("other-maker", 403),
    ):
        assert (await api.get(who, f"{BOOK}/evidence/{sha}/content")).status_code == status, who
    assert (await api.get("city-maker", f"{BOOK}/evidence/{sha}")).status_code == 200
    assert (await api.get("other-maker", f"/v1/books/{OTHER_DISTRICT}/evidence/{sha}/content")).status_code == 404


async def road(world: World) -> UUID:
    return await world.project(programme="rural_works", category="infrastructure", exemption=None)


async def tendering(api: Api, project: UUID, **fields: Any) -> dict[str, Any]:
    return {"project_id": str(project), "title": "环湖路", "method": "open", "stage": "tendering", "estimate": "480000.00",
            "tender_period_start": "2019-01-02", "tender_period_end": "2019-01-22", "document_no": "招1号",
            "evidence_sha256": await document(api), **fields}  # fmt: skip


async def opened(api: Api, project: UUID, **fields: Any) -> tuple[str, dict[str, Any]]:
    body = await tendering(api, project, **fields)
    new = await made(await api.post("district-maker", f"{BOOK}/procurements", body))
    return f"{BOOK}/procurements/{new['procurement_id']}", body


async def bid(api: Api, path: str, bidder: UUID, price: str, **fields: Any) -> Any:
    body = {"bidder_id": str(bidder), "price": price, "received_on": "2019-01-20", "document_no": "标1号",
            "evidence_sha256": await document(api), **fields}  # fmt: skip
    return await api.post("district-maker", f"{path}/bids", body)


async def contracted(api: Api, world: World, project: UUID, **fields: Any) -> tuple[str, UUID, dict[str, Any]]:
    """A tender from its notice to the contract; path, awardee, the contract's body."""
    path, body = await opened(api, project)
    bidders = [await world.supplier() for _ in range(3)]
    for bidder, price in zip(bidders, ("450000.00", "460000.00", "470000.00"), strict=True):
        await made(await bid(api, path, bidder, price))
    body |= {"awardee_id": str(bidders[0]), "stage": "awarded", "awarded_on": "2019-01-25"}
    await made(await api.post("district-maker", f"{path}/versions", body | {"version": 2}))
    body |= {
        "stage": "contracted",
        "contract_no": "合1号",
        "contract_amount": "450000.00",
        "signed_on": "2019-01-28",
        **fields,
    }
    await made(await api.post("district-maker", f"{path}/versions", body | {"version": 3}))
    return path, bidders[0], body


async def test_a_tender_goes_from_notice_to_contract_and_every_stage_stays(api: Api, world: World) -> None:
    path, awardee, _ = await contracted(api, world, await road(world), retention_percent=3)
    stages = [(row["stage"], row["awardee_id"]) for row in (await api.get("auditor", path)).json()]
    assert stages == [("tendering", None), ("awarded", str(awardee)), ("contracted", str(awardee))]
    release = (await api.get("auditor", f"{path}/ocds")).json()
    procurement = path.rpartition("/")[2]
    assert release["ocid"] == f"ocds-fundledger-{DISTRICT}-{procurement}"
    assert release["tag"] == ["contract"]
    tender = release["tender"]
    assert (tender["procurementMethod"], tender["mainProcurementCategory"], tender["numberOfTenderers"]) == (
        "open",
        "works",
        3,
    )
    assert tender["tenderPeriod"] == {"startDate": "2019-01-02T00:00:00+08:00", "endDate": "2019-01-22T00:00:00+08:00"}
    assert sorted(one["value"]["amount"] for one in release["bids"]["details"]) == [450000, 460000, 470000]
    code = await world.service.fetchval("SELECT credit_code FROM organisation WHERE organisation_id = $1", awardee)
    assert release["awards"][0]["suppliers"][0]["id"] == f"CN-USCC-{code}"
    assert release["contracts"][0]["value"] == {"amount": 450000, "currency": "CNY"}
    assert '"amount": 450000.00' in (await api.get("auditor", f"{path}/ocds")).text
    assert {"supplier", "tenderer"} <= {role for party in release["parties"] for role in party["roles"]}
    assert release["tender"]["value"] == {"amount": 480000, "currency": "CNY"}


async def test_a_planned_and_an_exempt_procurement_are_releases_too(api: Api, world: World) -> None:
    path, _ = await opened(api, await road(world), stage="planned")
    assert (await api.get("auditor", f"{path}/ocds")).json()["tag"] == ["planning"]
    body = await tendering(
        api, await road(world), stage="contracted", method="exempt", exemption_code="village_self_build"
    )
    new = await made(await api.post("district-maker", f"{BOOK}/procurements", body))
    release = (await api.get("auditor", f"{BOOK}/procurements/{new['procurement_id']}/ocds")).json()
    assert (release["tender"]["procurementMethod"], "contracts" in release) == ("direct", False)


async def test_an_award_needs_a_window_enough_bidders_and_a_valid_bid_at_its_price(api: Api, world: World) -> None:
    project = await road(world)
    short = await tendering(api, project, tender_period_end="2019-01-21")
    assert refused(await api.post("district-maker", f"{BOOK}/procurements", short)) == {"bid-window-short"}
    path, body = await opened(api, project)
    bidders = [await world.supplier() for _ in range(3)]
    for bidder in bidders[:2]:
        await made(await bid(api, path, bidder, "450000.00"))
    won = body | {"stage": "awarded", "version": 2, "awardee_id": str(bidders[0])}
    answer = await api.post("district-maker", f"{path}/versions", won)
    assert refused(answer) == {"too-few-bidders"}
    assert (answer.json()["params"]["bidders"], answer.json()["params"]["bidders_needed"]) == (2, 3)
    nobody = won | {"awardee_id": str(bidders[2])}
    assert refused(await api.post("district-maker", f"{path}/versions", nobody)) == {
        "too-few-bidders",
        "award-without-bid",
    }
    third = await made(await bid(api, path, bidders[2], "460000.00"))
    struck = {name: third[name] for name in ("bidder_id", "price", "received_on", "evidence_sha256", "document_no")}
    struck |= {"status": "disqualified", "reason": "无资质", "version": 2}
    await made(await api.post("district-maker", f"{path}/bids/{third['bid_id']}/versions", struck))
    assert refused(await api.post("district-maker", f"{path}/versions", won)) == {"too-few-bidders"}
    await made(
        await api.post(
            "district-maker", f"{path}/bids/{third['bid_id']}/versions", struck | {"version": 3, "status": "valid"}
        )
    )
    signed = won | {"stage": "contracted", "contract_no": "合1号", "contract_amount": "450000.01"}
    answer = await api.post("district-maker", f"{path}/versions", signed)
    assert (refused(answer), answer.json()["params"]["bid"]) == ({"contract-differs-from-bid"}, "450000.00")
    too_much = signed | {"contract_amount": "450000.00", "retention_percent": 4}
    assert refused(await api.post("district-maker", f"{path}/versions", too_much)) == {"retention-too-high"}
    await made(await api.post("district-maker", f"{path}/versions", signed | {"price_difference_document_no": "谈1号"}))
    assert refused(await bid(api, path, await world.supplier(), "1.00")) == {"bid-not-open"}


async def test_a_bid_is_refused_with_its_reason(api: Api, world: World) -> None:
    path, _ = await opened(api, await road(world))
    bidder = await world.supplier()
    for fields, codes in (
        ({"received_on": "2019-01-23"}, {"bid-outside-period"}), ({"received_on": "2019-01-01"}, {"bid-outside-period"}),
        ({"status": "disqualified"}, {"bid-reason-missing"}), ({"bidder_id": str(new_id())}, {"reference-unknown"}),
        ({"evidence_sha256": "00" * 32}, {"reference-unknown"}),
    ):  # fmt: skip
        assert refused(await bid(api, path, bidder, "1.00", **fields)) == codes, fields
    late = await bid(api, path, bidder, "1.00", received_on="2019-01-23", status="disqualified", reason="逾期")
    first = await made(late)
    assert refused(await bid(api, path, bidder, "2.00")) == {"bid-exists"}
    cheaper = {"bidder_id": str(bidder), "price": "0.50", "received_on": "2019-01-23", "status": "disqualified", "reason": "逾期",
               "evidence_sha256": first["evidence_sha256"], "document_no": "标1号", "version": 2}  # fmt: skip
    answer = await api.post("district-maker", f"{path}/bids/{first['bid_id']}/versions", cheaper)
    assert refused(answer) == {"record-identity-changed"}
    unknown = f"{BOOK}/procurements/{new_id()}"
    assert refused(await bid(api, unknown, bidder, "1.00")) == {"reference-unknown"}


async def test_stages_come_in_their_order(api: Api, world: World) -> None:
    path, _, body = await contracted(api, world, await road(world))
    for stage in ("planned", "tendering", "unsuccessful"):
        back = {
            name: value for name, value in body.items() if not name.startswith("contract_") and name != "awardee_id"
        }
        answer = await api.post("district-maker", f"{path}/versions", back | {"stage": stage, "version": 4})
        assert "procurement-stage-order" in refused(answer), stage
    for fields in (
        {"contract_amount": "449999.99"},
        {"retention_percent": 2},
        {"awardee_id": str(await world.supplier())},
    ):
        answer = await api.post("district-maker", f"{path}/versions", body | fields | {"version": 4})
        assert "contract-fixed" in refused(answer), fields
    ended = await api.post("district-maker", f"{path}/versions", body | {"stage": "terminated", "version": 4})
    assert (await made(ended))["stage"] == "terminated"
    again = await api.post("district-maker", f"{path}/versions", body | {"version": 5})
    assert refused(again) == {"procurement-stage-order"}


async def test_lots_that_belong_together_are_tendered_together(api: Api, world: World) -> None:
    first, second, third = [await road(world) for _ in range(3)]
    lot: dict[str, Any] = {"method": "inquiry", "estimate": "2500000.00", "lot_group": "环湖路", "stage": "planned"}
    await opened(api, first, **lot)
    answer = await api.post("district-maker", f"{BOOK}/procurements", await tendering(api, second, **lot))
    assert refused(answer) == {"tender-required"}
    assert (answer.json()["params"]["estimate"], answer.json()["params"]["threshold"]) == ("5000000.00", "4000000.00")
    # The same project and category, without a word about lots.
    answer = await api.post(
        "district-maker", f"{BOOK}/procurements", await tendering(api, first, **lot | {"lot_group": None})
    )
    assert refused(answer) == {"tender-required"}
    # Goods are another category; their own threshold is lower.
    goods = lot | {"main_procurement_category": "goods", "estimate": "1999999.99"}
    await opened(api, second, **goods)
    answer = await api.post("district-maker", f"{BOOK}/procurements", await tendering(api, third, **goods))
    assert refused(answer) == {"tender-required"}
    # Where little of it is budget money, order 16 asks for no tender.
    await opened(api, third, **lot | {"lot_group": "另一条路", "estimate": "9000000.00", "budget_amount": "800000.00"})
    # The threshold of its day: in May 2018 it was 2 million for works.
    old = lot | {
        "lot_group": "老路",
        "tender_period_start": "2018-05-01",
        "tender_period_end": "2018-05-31",
        "estimate": "2000000.00",
    }
    other = await road(world)
    assert refused(await api.post("district-maker", f"{BOOK}/procurements", await tendering(api, other, **old))) == {
        "tender-required"
    }


async def change(api: Api, path: str, amount: str) -> str:
    body = {"amount": amount, "reason": "地质条件变化", "document_no": "变1号", "evidence_sha256": await document(api)}
    return str((await made(await api.post("district-maker", f"{path}/changes", body)))["change_id"])


async def review(api: Api, what: str, decision: str, who: str = "poverty-approver") -> Any:
    return await api.post(who, f"{BOOK}/{what}/review", {"decision": decision, "document_no": "批1号"})


async def test_a_contract_changes_by_what_a_second_person_approves(api: Api, world: World) -> None:
    path, _, _ = await contracted(api, world, await road(world))
    changes = f"{path.removeprefix(BOOK + '/')}/changes"
    first = await change(api, path, "50000.00")
    assert refused(await review(api, f"{changes}/{first}", "approved", "district-maker")) == {"forbidden-duty"}
    assert refused(await review(api, f"{changes}/{first}", "approved", "township-maker")) == {"forbidden-role"}
    assert (await made(await review(api, f"{changes}/{first}", "approved")))["decision"] == "approved"
    assert refused(await review(api, f"{changes}/{first}", "rejected")) == {"change-decided"}
    second = await change(api, path, "-500000.00")
    assert refused(await review(api, f"{changes}/{second}", "approved")) == {"contract-below-paid"}
    await made(await review(api, f"{changes}/{second}", "rejected"))
    assert [row["decision"] for row in (await api.get("auditor", f"{path}/changes")).json()] == ["approved", "rejected"]
    release = (await api.get("auditor", f"{path}/ocds")).json()
    assert release["contracts"][0]["value"]["amount"] == 500000
    assert len(release["contracts"][0]["amendments"]) == 1
    assert refused(await review(api, f"{changes}/{new_id()}", "approved")) == {"record-not-found"}
    planned, _ = await opened(api, await road(world), stage="planned")
    elsewhere = f"{planned.removeprefix(BOOK + '/')}/changes/{second}"
    assert refused(await review(api, elsewhere, "approved")) == {"record-not-found"}
    body = {"amount": "1.00", "reason": "x", "document_no": "变1号", "evidence_sha256": await document(api)}
    assert refused(await api.post("district-maker", f"{planned}/changes", body)) == {"contract-not-signed"}
    assert refused(await api.post("district-maker", f"{path}/changes", body | {"amount": "0.00"})) == {
        "amount-not-positive"
    }


async def claim(api: Api, project: UUID, payee: UUID, **fields: Any) -> dict[str, Any]:
    voucher = {
        "kind": "invoice",
        "number": "042001900111-12345678",
        "amount": "100000.00",
        "evidence_sha256": await document(api),
    }
    return {"project_id": str(project), "payee_id": str(payee), "amount": "100000.00", "progress_percent": 30,
            "document_no": "报1号", "vouchers": [voucher], **fields}  # fmt: skip


async def test_a_claim_is_recorded_with_its_vouchers_and_decided_once(api: Api, world: World) -> None:
    project = await road(world)
    path, payee, _ = await contracted(api, world, project)
    body = await claim(api, project, payee)
    first = await made(await api.post("poverty-maker", f"{BOOK}/claims", body, key="c"))
    assert first["procurement_id"] == path.rpartition("/")[2]
    assert [voucher["number"] for voucher in first["vouchers"]] == ["04200190011112345678"]
    again = await api.post("poverty-maker", f"{BOOK}/claims", body, key="c")
    assert (again.headers["Idempotent-Replayed"], again.json()) == ("true", first)
    # The same invoice, written differently, in another claim.
    twice = body | {"vouchers": [body["vouchers"][0] | {"number": "0420 0190 0111 1234 5678"}]}
    assert refused(await api.post("poverty-maker", f"{BOOK}/claims", twice)) == {"invoice-claimed-before"}
    await made(await review(api, f"claims/{first['claim_id']}", "rejected"))
    assert refused(await review(api, f"claims/{first['claim_id']}", "approved")) == {"claim-decided"}
    second = await made(await api.post("poverty-maker", f"{BOOK}/claims", twice))
    assert (await made(await review(api, f"claims/{second['claim_id']}", "approved")))["decision"] == "approved"
    listed = await pages(api, f"{BOOK}/projects/{project}/claims")
    assert [(row["decision"], row["paid"]) for row in listed] == [("rejected", "0.00"), ("approved", "0.00")]
    assert (await api.get("auditor", f"{BOOK}/claims/{second['claim_id']}")).json() == listed[1]


async def pages(api: Api, path: str) -> list[dict[str, Any]]:
    """A list read one item a page, which is what it is in one page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await api.get("auditor", path, limit=1, **cursor)).json()
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert (await api.get("auditor", path)).json() == {"items": found, "next": None}
    assert (await api.get("auditor", path, cursor="x")).json()["code"] == "cursor-malformed"
    return found


async def test_bids_are_read_in_pages(api: Api, world: World) -> None:
    path, _ = await opened(api, await road(world))
    bids = [await made(await bid(api, path, await world.supplier(), price)) for price in ("3.00", "1.00", "2.00")]
    struck = {name: bids[1][name] for name in ("bidder_id", "price", "received_on", "evidence_sha256", "document_no")}
    struck |= {"status": "withdrawn", "reason": "放弃", "version": 2}
    bids.append(await made(await api.post("district-maker", f"{path}/bids/{bids[1]['bid_id']}/versions", struck)))
    found = await pages(api, f"{path}/bids")
    assert found == sorted(bids, key=lambda one: (one["bid_id"], one["version"]))


async def test_a_claim_is_refused_with_its_reason(api: Api, world: World) -> None:
    project = await road(world)
    _, payee, _ = await contracted(api, world, project)
    body = await claim(api, project, payee)
    voucher = body["vouchers"][0]
    for fields, codes in (
        ({"amount": "100000.01"}, {"claim-vouchers-short"}), ({"payee_id": str(new_id())}, {"reference-unknown"}),
        ({"procurement_id": str(new_id())}, {"reference-unknown"}), ({"project_id": str(new_id())}, {"procurement-not-named"}),
        ({"vouchers": [voucher | {"number": "12 3"}]}, {"invoice-number"}),
        ({"vouchers": [voucher, voucher]}, {"invoice-claimed-before"}),
        ({"vouchers": [voucher | {"evidence_sha256": "00" * 32}]}, {"reference-unknown"}),
    ):  # fmt: skip
        assert refused(await api.post("poverty-maker", f"{BOOK}/claims", body | fields)) == codes, fields
    receipts = body | {"vouchers": [voucher | {"kind": "receipt", "number": "收据1"}] * 2}
    await made(await api.post("poverty-maker", f"{BOOK}/claims", receipts))
    assert refused(await review(api, f"claims/{new_id()}", "approved")) == {"record-not-found"}


async def test_progress_is_accepted_in_percent_of_the_project_or_of_one_contract(api: Api, world: World) -> None:
    project = await road(world)
    path, _, _ = await contracted(api, world, project)
    body = {"project_id": str(project), "accepted_on": "2019-02-01", "passed": True, "document_no": "验1号",
            "evidence_sha256": await document(api), "kind": "progress", "percent_complete": 40,
            "procurement_id": path.rpartition("/")[2], "amount_accepted": "180000.00"}  # fmt: skip
    row = await made(await api.post("poverty-maker", f"{BOOK}/acceptances", body))
    assert (row["kind"], row["percent_complete"], row["amount_accepted"]) == ("progress", 40, "180000.00")
    for fields, code in (
        ({"percent_complete": None}, "acceptance-percent"), ({"kind": "final"}, "acceptance-percent"),
        ({"procurement_id": str(new_id())}, "reference-unknown"), ({"evidence_sha256": "00" * 32}, "reference-unknown"),
        ({"procurement_id": None}, "acceptance-amount"),
    ):  # fmt: skip
        assert refused(await api.post("poverty-maker", f"{BOOK}/acceptances", body | fields)) == {code}, fields
    whole = body | {"version": 2, "procurement_id": None, "amount_accepted": None}
    answer = await api.post("poverty-maker", f"{BOOK}/acceptances/{row['acceptance_id']}/versions", whole)
    assert refused(answer) == {"record-identity-changed"}


async def test_the_city_records_none_of_this_in_a_district(api: Api, world: World) -> None:
    for path in ("procurements", "claims", "acceptances"):
        assert refused(await api.post("city-maker", f"/v1/books/{CITY}/{path}", {})) <= {
            "wrong-level",
            "field-missing",
            "body-malformed",
        }
        assert refused(await api.post("city-maker", f"{BOOK}/{path}", {})) == {"forbidden-book"}
