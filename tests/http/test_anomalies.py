"""Anomalies over HTTP: who may ask, filters, pages that do not shift, counts, and the rules as people read them."""

from __future__ import annotations

import base64
import json
from typing import Any

from fundledger.leads.rules import RULES
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT, PEOPLE, World
from tests.http.test_releases import release_body
from tests.leads import cases
from tests.web import Api

PATHS = (
    "/v1/anomalies", "/v1/anomalies/summary", "/v1/anomaly-rules", f"/v1/books/{DISTRICT}/anomalies",
    f"/v1/books/{DISTRICT}/anomalies/summary",
)  # fmt: skip
LATER = "2019-09-01"


async def everything(world: World) -> None:
    for scenario in cases.EVERY_RULE:
        await scenario(world)


async def items(api: Api, path: str = "/v1/anomalies", **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("inspector", path, **{"on": LATER, "limit": 1000, **params})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def pages(api: Api, limit: int, **params: Any) -> list[dict[str, Any]]:
    """Every hit, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {"on": LATER}
        answer = (await api.get("auditor", "/v1/anomalies", limit=limit, **params, **more)).json()
        assert len(answer["items"]) <= limit
        assert answer["on"] == LATER
        found += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            return found


async def test_only_auditors_and_inspectors_may_ask(api: Api) -> None:
    for path in PATHS:
        for who, _, kind, _ in PEOPLE:
            answer = await api.get(who, path)
            assert answer.status_code == (200 if kind in ("audit", "inspection") else 403), (path, who, answer.text)
        assert (await api.get(None, path)).status_code == 401


async def test_a_hit_tells_an_inspector_where_to_look(api: Api, world: World) -> None:
    await cases.above_with_a_document(world)
    hit = (await items(api, rule="STD-01"))[0]
    assert {key: hit[key] for key in ("rule", "name_en", "book", "subject_kind", "happened_on", "amount")} == {
        "rule": "STD-01", "name_en": "Above the standard", "book": str(DISTRICT), "subject_kind": "person",
        "happened_on": "2019-03-01", "amount": "10.00",
    }  # fmt: skip
    entry = await world.service.fetchrow("SELECT entry_id, document_no FROM entry WHERE entry_kind = 'pay'")
    assert entry is not None
    assert hit["evidence"]["entry_id"] == str(entry["entry_id"])
    assert hit["evidence"]["document_no"] == entry["document_no"]
    assert hit["evidence"]["standard"] == "80.00"


async def test_a_refused_approval_is_seen_by_inspectors_with_its_repeats(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    drafted = await api.post("city-maker", f"/v1/books/{CITY}/releases", release_body(world, allocation, "200.00"))
    for _ in range(3):
        assert (await api.approve("city-approver", CITY, drafted.json())).status_code == 409
    (hit,) = await items(api, rule="REF-01")
    assert hit["book"] == str(CITY)
    assert hit["amount"] == "200.00"
    assert hit["subject_no"] == "武财指1号"
    evidence = hit["evidence"]
    assert (evidence["person"], evidence["code"], evidence["attempts"]) == ("city-approver", "balance-insufficient", 3)
    assert evidence["calls"][0]["params"]["shortfall"] == "100.00"


async def test_filters_narrow_by_rule_district_and_period(api: Api, world: World) -> None:
    await everything(world)
    whole = await items(api)
    assert {hit["rule"] for hit in whole} == {rule.rule for rule in RULES}

    def expected(**wanted: Any) -> list[Any]:
        return [hit for hit in whole if all(hit[name] in values for name, values in wanted.items())]

    assert await items(api, rule=["FCL-10", "STD-01"]) == expected(rule=["FCL-10", "STD-01"])
    assert await items(api, district=OTHER_DISTRICT) == expected(book=[str(OTHER_DISTRICT)])
    assert await items(api, f"/v1/books/{OTHER_DISTRICT}/anomalies") == expected(book=[str(OTHER_DISTRICT)])
    both = [str(DISTRICT), str(OTHER_DISTRICT)]
    assert await items(api, district=both, rule="FCL-12") == expected(book=both, rule=["FCL-12"])
    inside = [hit for hit in whole if "2019-01-02" <= hit["happened_on"] <= "2019-03-01"]
    assert 0 < len(inside) < len(whole)
    assert await items(api, **{"from": "2019-01-02", "to": "2019-03-01"}) == inside
    assert await items(api, **{"from": "2019-03-02", "to": "2019-03-04"}) == []


async def test_days_and_on_ask_about_idle_money_another_way(api: Api, world: World) -> None:
    await cases.money_of_2019(world)
    assert await items(api, rule="IDL-03", on="2019-12-31") == []
    (hit,) = await items(api, rule="IDL-03", on="2019-12-31", days=180)
    assert (hit["happened_on"], hit["evidence"]["idle_days"], hit["evidence"]["limit_days"]) == ("2019-07-01", 364, 180)
    (hit,) = await items(api, rule="IDL-03", on="2020-01-02")
    assert hit["evidence"]["limit_days"] == 365


async def test_pages_give_every_hit_once_in_one_order(api: Api, world: World) -> None:
    await everything(world)
    whole = await items(api)
    for limit in (1, 3, len(whole)):
        assert await pages(api, limit) == whole


async def test_a_hit_added_between_two_pages_does_not_move_the_others(api: Api, world: World) -> None:
    await everything(world)
    whole = await items(api)
    first = (await api.get("inspector", "/v1/anomalies", limit=2, on=LATER)).json()
    await cases.refused_twice(world)
    await cases.paid(world, amount=9_000, exception="特批2号")
    second = (await api.get("inspector", "/v1/anomalies", limit=1000, cursor=first["next"])).json()
    keys = [hit["key"] for hit in second["items"]]
    assert [hit["key"] for hit in whole[2:]] == [key for key in keys if key in {hit["key"] for hit in whole}]
    assert second["on"] == LATER


async def test_the_summary_counts_what_the_list_shows(api: Api, world: World) -> None:
    await everything(world)
    whole = await items(api)
    answer = (await api.get("inspector", "/v1/anomalies/summary", on=LATER)).json()
    assert answer["count"] == len(whole)
    for row in answer["rows"]:
        assert row["count"] == sum((hit["rule"], hit["book"]) == (row["rule"], row["book"]) for hit in whole)
    narrow = (await api.get("inspector", "/v1/anomalies/summary", on=LATER, rule="FCL-12", district=DISTRICT)).json()
    assert [(row["rule"], row["book"], row["count"]) for row in narrow["rows"]] == [("FCL-12", str(DISTRICT), 1)]
    of_book = (await api.get("inspector", f"/v1/books/{OTHER_DISTRICT}/anomalies/summary", on=LATER)).json()
    assert {row["book"] for row in of_book["rows"]} == {str(OTHER_DISTRICT)}


async def test_the_rules_are_shown_with_both_languages_and_the_parameters_of_the_day(api: Api, world: World) -> None:
    await world.owner.execute(
        "INSERT INTO parameter VALUES ('idle_alert_days', 2, 90, 'days', '2019-06-01', NULL, '新规')"
    )
    rules: dict[str, Any] = {}
    for on, days in (("2019-05-31", "365"), ("2019-06-01", "90")):
        rules = {rule["rule"]: rule for rule in (await api.get("auditor", "/v1/anomaly-rules", on=on)).json()}
        assert list(rules) == [rule.rule for rule in RULES]
        assert rules["IDL-03"]["parameters"][0]["value"] == days
    for rule in rules.values():
        assert all(
            rule[name] for name in ("name_zh", "name_en", "meaning_zh", "meaning_en", "false_alarms_zh", "source")
        )
    assert {row["code"]: row["value"] for row in rules["STD-10"]["parameters"]} == {
        "village_standard_public_affairs": "100000.00", "village_standard_targeted": "200000.00",
    }  # fmt: skip
    # Before the policy began nothing was in force.
    early = (await api.get("auditor", "/v1/anomaly-rules", on="2001-01-01")).json()
    assert early[1]["parameters"] == [{"code": "idle_alert_days", "value": None, "unit": None, "source": None}]


def forged(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"rule": "XXX-01"}, 422, "anomaly-rule-unknown"),
    ({"rule": ["STD-01", "' OR 1=1"]}, 422, "anomaly-rule-unknown"),
    ({"district": "420199"}, 404, "book-unknown"),
    ({"district": "０"}, 404, "book-unknown"),
    ({"from": "2019-02-01", "to": "2019-01-31"}, 422, "anomaly-period-reversed"),
    ({"from": "yesterday"}, 422, "request-invalid"),
    ({"days": -1}, 422, "request-invalid"),
    ({"limit": 0}, 422, "request-invalid"),
    ({"limit": 1001}, 422, "request-invalid"),
    ({"districts": "420117"}, 422, "request-invalid"),
    ({"cursor": "!"}, 422, "cursor-malformed"),
    ({"cursor": forged(1, 2)}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, None, LATER, [], DISTRICT, "")}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, None, LATER, "STD-01", 2**80, "")}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, None, LATER, "STD-01", DISTRICT, "\0")}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, None, "2019-02-30", "STD-01", DISTRICT, "k")}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, 2**80, LATER, "STD-01", DISTRICT, "k")}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, None, LATER, "STD-01", DISTRICT, "k"), "on": "2019-05-02"}, 422, "cursor-malformed"),
    ({"cursor": forged(LATER, 30, LATER, "STD-01", DISTRICT, "k"), "days": 31}, 422, "cursor-malformed"),
)  # fmt: skip


async def test_what_cannot_be_asked_is_refused_with_its_reason(api: Api) -> None:
    for params, status, code in REFUSED:
        answer = await api.get("inspector", "/v1/anomalies", **params)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (params, answer.text)


async def test_the_first_and_the_last_day_there_is_can_be_asked_about(api: Api, world: World) -> None:
    await everything(world)
    for on in ("0001-01-01", "1970-01-01", "9999-12-31"):
        for params in ({"on": on, "days": 36_500}, {"on": on, "days": 0}, {"from": on, "to": on}):
            answer = await api.get("inspector", "/v1/anomalies", **params)
            assert answer.status_code == 200, answer.text
