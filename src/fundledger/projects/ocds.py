"""One procurement as a release of the Open Contracting Data Standard (OCDS 1.1): its state now, or as it was known.

Amounts are JSON numbers of yuan with two decimals, as OCDS wants them, written digit by digit and never as a float
(`as_json`); currency CNY. Organisations are identified by their unified social credit code (scheme
CN-USCC). The `ocid` is made of the book and the procurement's id and never changes; a release's id adds the instant of
its newest fact, so that another state is another release. Called by the route of one procurement and by exports.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from fundledger.db.connection import Connection
from fundledger.errors import problem
from fundledger.money import format_yuan
from fundledger.projects.contracts import Change, changes_of
from fundledger.projects.procurements import METHODS

PREFIX = "ocds-fundledger"
SCHEME = "CN-USCC"
TENDER_STATUS = {
    "planned": "planned", "tendering": "active", "awarded": "complete", "contracted": "complete",
    "terminated": "complete", "unsuccessful": "unsuccessful",
}  # fmt: skip
BID_STATUS = {"valid": "valid", "disqualified": "disqualified", "withdrawn": "withdrawn"}

ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)

_NEWEST = """
SELECT c.*, b.name AS buyer, p.name AS project_name
FROM procurement c JOIN book b ON b.book = c.book
LEFT JOIN LATERAL (SELECT p.name FROM project p WHERE p.book = c.book AND p.project_id = c.project_id
                   AND p.recorded_at <= $3 ORDER BY p.version DESC LIMIT 1) p ON true
WHERE c.book = $1 AND c.procurement_id = $2 AND c.recorded_at <= $3 ORDER BY c.version DESC LIMIT 1
"""
_BIDS = """
SELECT DISTINCT ON (b.bid_id) b.* FROM bid b WHERE b.book = $1 AND b.procurement_id = $2
AND b.recorded_at <= $3 ORDER BY b.bid_id, b.version DESC
"""
_PARTIES = """
SELECT organisation_id, name, credit_code FROM organisation WHERE book = $1 AND organisation_id = ANY ($2) ORDER BY 3
"""


_MARK = "\x01"
"""Begins an amount until it is written; no text that people enter holds it."""
_AMOUNT = re.compile(r'"\\u0001(-?[0-9]+\.[0-9]{2})"')


def as_json(release: dict[str, Any]) -> str:
    """The release as JSON, its amounts as numbers with two decimals."""
    return _AMOUNT.sub(r"\1", json.dumps(release, ensure_ascii=False))


async def release_of(
    connection: Connection, book: int, procurement_id: UUID, until: datetime = ALWAYS
) -> dict[str, Any]:
    """The release, of what was recorded by then; raises `record-not-found`. Four queries, no locks."""
    row = await connection.fetchrow(_NEWEST, book, procurement_id, until)
    if row is None:
        raise problem("record-not-found")
    bids = await connection.fetch(_BIDS, book, procurement_id, until)
    changes = _approved(await changes_of(connection, book, procurement_id), until)
    wanted = [bid["bidder_id"] for bid in bids] + ([row["awardee_id"]] if row["awardee_id"] else [])
    names = {one["organisation_id"]: one for one in await connection.fetch(_PARTIES, book, wanted)}
    buyer = {"id": f"CN-{book}", "name": row["buyer"]}
    stage = row["stage"] or "contracted"
    newest = max([row["recorded_at"], *(bid["recorded_at"] for bid in bids), *(at for _, at in changes)])
    release: dict[str, Any] = {
        "ocid": f"{PREFIX}-{book}-{procurement_id}",
        "id": f"{procurement_id}-{newest.astimezone(UTC):%Y%m%dT%H%M%S%fZ}",
        "date": _moment(newest),
        "tag": ["tender" if stage == "contracted" and row["contract_amount"] is None else _TAGS[stage]],
        "initiationType": "tender",
        "language": "zh",
        "buyer": buyer,
        "planning": {
            "project": row["project_name"],
            "budget": {"amount": _value(row["budget_amount"] or row["estimate"]), "projectID": str(row["project_id"])},
        },
        "tender": _tender(row, stage, buyer, [_named(names[bid["bidder_id"]]) for bid in bids]),
        "parties": [
            buyer | {"roles": ["buyer", "procuringEntity"]},
            *(_party(one, _roles(one["organisation_id"], bids, row["awardee_id"])) for one in names.values()),
        ],
    }
    if bids:
        release["bids"] = {"details": [_bid(bid, names[bid["bidder_id"]]) for bid in bids]}
    if row["awardee_id"] is not None:
        release["awards"] = [_award(row, stage, names[row["awardee_id"]], bids)]
    if row["contract_amount"] is not None:
        release["contracts"] = [_contract(row, stage, [change for change, _ in changes])]
    return release


_TAGS = {
    "planned": "planning", "tendering": "tender", "awarded": "award", "contracted": "contract",
    "terminated": "contractTermination", "unsuccessful": "tenderCancellation",
}  # fmt: skip


def _tender(row: Any, stage: str, buyer: dict[str, str], tenderers: list[dict[str, Any]]) -> dict[str, Any]:
    method, details = METHODS[row["method"]]
    return _without_none({
        "id": str(row["procurement_id"]), "title": row["title"] or None, "status": TENDER_STATUS[stage],
        "procuringEntity": buyer, "value": _value(row["estimate"]), "procurementMethod": method,
        "procurementMethodDetails": details, "procurementMethodRationale": row["exemption_code"],
        "mainProcurementCategory": row["main_procurement_category"],
        "tenderPeriod": _without_none({
            "startDate": _day(row["tender_period_start"]), "endDate": _day(row["tender_period_end"])
        }) or None,
        "numberOfTenderers": len(tenderers), "tenderers": tenderers,
    })  # fmt: skip


def _bid(bid: Any, bidder: Any) -> dict[str, Any]:
    return {"id": str(bid["bid_id"]), "date": _day(bid["received_on"]), "status": BID_STATUS[bid["status"]],
            "tenderers": [_named(bidder)], "value": _value(bid["price"])}  # fmt: skip


def _award(row: Any, stage: str, awardee: Any, bids: list[Any]) -> dict[str, Any]:
    prices = [bid["price"] for bid in bids if bid["bidder_id"] == row["awardee_id"]]
    amount = prices[0] if prices else row["contract_amount"]
    return _without_none({
        "id": f"{row['procurement_id']}-award", "status": "unsuccessful" if stage == "unsuccessful" else "active",
        "date": _day(row["awarded_on"]), "value": None if amount is None else _value(amount),
        "suppliers": [_named(awardee)],
    })  # fmt: skip


def _approved(changes: list[Change], until: datetime) -> list[tuple[Change, datetime]]:
    """The changes of a contract that count, with the instant of their approval."""
    return [(change, at) for change in changes
            if change.decision == "approved" and (at := change.reviewed_at) is not None and at <= until]  # fmt: skip


def _contract(row: Any, stage: str, changes: list[Change]) -> dict[str, Any]:
    amount = row["contract_amount"] + row["approved_changes"] + sum(change.amount for change in changes)
    return _without_none({
        "id": row["contract_no"], "awardID": f"{row['procurement_id']}-award",
        "status": "terminated" if stage == "terminated" else "active",
        "value": _value(amount), "dateSigned": _day(row["signed_on"]),
        "amendments": [
            {"id": str(change.change_id), "date": _moment(change.recorded_at), "rationale": change.reason,
             "description": format_yuan(change.amount)}
            for change in changes
        ] or None,
    })  # fmt: skip


def _party(one: Any, roles: list[str]) -> dict[str, Any]:
    return _named(one) | {
        "identifier": {"scheme": SCHEME, "id": one["credit_code"], "legalName": one["name"]},
        "roles": roles,
    }


def _roles(organisation_id: UUID, bids: list[Any], awardee_id: UUID | None) -> list[str]:
    roles = ["tenderer"] if any(bid["bidder_id"] == organisation_id for bid in bids) else []
    return [*roles, "supplier"] if organisation_id == awardee_id else roles


def _named(one: Any) -> dict[str, Any]:
    return {"id": f"{SCHEME}-{one['credit_code']}", "name": one["name"]}


def _value(amount: int) -> dict[str, str]:
    return {"amount": _MARK + format_yuan(amount), "currency": "CNY"}


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()}T00:00:00+08:00"


def _moment(moment: datetime) -> str:
    return moment.isoformat()


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
