"""A release over HTTP: drafted by one person, posted by another, both legs at once."""

from __future__ import annotations

from tests.builders import CITY, DISTRICT, World
from tests.web import Api


def release_body(world: World, allocation: object, amount: str = "10.00", **fields: object) -> dict[str, object]:
    return {
        "document_no": "武财指1号", "effective_on": "2019-03-01", "summary": "下达", "kind": "instalment",
        "officer_id": str(world.officers[CITY, "accountable"]),
        "lines": [{"allocation_id": str(allocation), "amount": amount}], **fields,
    }  # fmt: skip


async def test_a_release_posts_both_legs_when_a_second_person_approves_it(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    drafted = await api.post("city-maker", f"/v1/books/{CITY}/releases", release_body(world, allocation))
    assert drafted.status_code == 201, drafted.text
    assert drafted.json()["status"] == "drafted"
    posted = await api.approve("city-approver", CITY, drafted.json())
    assert posted.status_code == 200, posted.text
    assert await world.balance("executable", allocation=allocation) == 1_000
    assert await world.balance("upper_transfer", allocation=allocation) == -1_000
    assert await world.balance("released", allocation=allocation) == 1_000


async def test_a_release_beyond_its_allocation_is_refused_and_kept_as_evidence(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    drafted = (
        await api.post("city-maker", f"/v1/books/{CITY}/releases", release_body(world, allocation, "200.00"))
    ).json()
    refused = await api.approve("city-approver", CITY, drafted)
    assert refused.status_code == 409, refused.text
    assert refused.json()["code"] == "balance-insufficient"
    assert refused.json()["params"]["shortfall"] == "100.00"
    row = await world.service.fetchrow("SELECT code, staff_id FROM refusal")
    assert row is not None
    assert (row["code"], row["staff_id"]) == ("balance-insufficient", world.who("city-approver").staff_id)


async def test_the_same_key_gives_the_first_result_again(api: Api, world: World) -> None:
    allocation = await world.allocate(await world.adopt(10_000), 10_000)
    body = release_body(world, allocation)
    first = await api.post("city-maker", f"/v1/books/{CITY}/releases", body, key="k1")
    again = await api.post("city-maker", f"/v1/books/{CITY}/releases", body, key="k1")
    other = await api.post(
        "city-maker", f"/v1/books/{CITY}/releases", release_body(world, allocation, "11.00"), key="k1"
    )
    assert again.json()["instruction_id"] == first.json()["instruction_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert other.json()["code"] == "idempotency-conflict"


async def test_a_district_cannot_draft_a_release(api: Api, world: World) -> None:
    allocation = await world.funded()
    for who in ("district-maker", "auditor", "city-approver"):
        answer = await api.post(who, f"/v1/books/{CITY}/releases", release_body(world, allocation))
        assert answer.status_code == 403, (who, answer.text)
    answer = await api.post("district-maker", f"/v1/books/{DISTRICT}/releases", release_body(world, allocation))
    assert answer.json()["code"] == "wrong-level"
