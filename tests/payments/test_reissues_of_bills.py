"""Re-issues of bills under a contract and claim (报账), and of money outside the five: what came back counts once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.ids import new_id
from tests.budget.calls import refused
from tests.builders import DISTRICT, World, insert
from tests.payments.people import (
    ACCOUNT_NO,
    BANK,
    LISTS,
    Person,
    approve,
    header_of,
    money,
    organisation,
    pay,
    register,
    vault_of,
)
from tests.soundness import assert_book_sound
from tests.web import Api

FIRM = "测试建筑有限公司"
CONTRACT = 1_200_000


async def came_back(api: Api, made: dict[str, Any], *numbers: int, on: str = "2019-03-04") -> None:
    """The bank returns lines of a paid list, and the return is posted."""
    results = [{"line_no": number, "outcome": "returned", "reason": "账号有误"} for number in numbers or (1,)]
    body = {"document_no": "回盘1号", "settled_on": on, "payment_list_id": made["payment_list_id"], "results": results}
    answer = await api.post("district-maker", BANK, body)
    assert answer.status_code == 201, answer.text
    for draft in answer.json()["returns"]:
        assert (await api.approve("district-approver", DISTRICT, draft)).status_code == 200


async def again(api: Api, made: dict[str, Any], **fields: Any) -> Any:
    body = {"document_no": f"重发{new_id()}", "effective_on": "2019-03-10", "summary": "退票重发", **fields}
    return await api.post("district-maker", f"{LISTS}/{made['payment_list_id']}/reissues", body)


async def paid(api: Api, answer: Any) -> dict[str, Any]:
    """A draft that lacks nothing, approved and paid."""
    assert (answer.status_code, answer.json()["pending"]) == (201, []), answer.text
    assert (await approve(api, answer.json())).status_code == 200
    posted = await pay(api, answer.json())
    assert posted.status_code == 200, posted.text
    return dict(answer.json())


@dataclass
class Road:
    """A contract of 12,000.00, wholly accepted, and the firm that won it."""

    world: World
    project: UUID
    procurement: UUID
    firm: UUID
    code: str
    allocation: UUID

    @classmethod
    async def built(cls, api: Api, world: World) -> Road:
        firm, code = await organisation(world, vault_of(api), FIRM)
        project = await world.project(programme="rural_works", category="infrastructure", exemption=None)
        procurement = await world.tender(project, firm, CONTRACT)
        await world.progress(project, 100)
        return cls(world, project, procurement, firm, code, await money(world, project))

    async def accept(self) -> None:
        await insert(self.world.service, "acceptance", {
            "book": DISTRICT, "acceptance_id": new_id(), "version": 1, "project_id": self.project, "passed": True,
            "accepted_on": date(2019, 2, 1), "evidence_sha256": await self.world.evidence(), "document_no": "验1号",
            "procurement_id": self.procurement, "recorded_by": self.world.who("district-maker").staff_id,
        })  # fmt: skip

    async def claim(self, amount: int) -> UUID:
        return await self.world.claim(self.project, self.procurement, self.firm, amount)

    def bill(self, claim: UUID | None, amount: str, **fields: Any) -> dict[str, Any]:
        header = {
            **header_of(self.world, self.project, self.allocation, **fields), "payee_kind": "organisation",
            "programme_code": "rural_works", "claim_id": None if claim is None else str(claim),
        }  # fmt: skip
        line = {"credit_code": self.code, "name": FIRM, "account": ACCOUNT_NO, "amount": amount}
        return {**header, "lines": [line]}

    async def paid_under(self, claim: UUID) -> tuple[int, int]:
        """What was paid under the claim and under the contract, in fen."""
        row = await self.world.service.fetchrow(
            "SELECT claim_paid($1, $2) AS claim, contract_paid($1, $3) AS contract", DISTRICT, claim, self.procurement
        )
        assert row is not None
        return int(row["claim"]), int(row["contract"])


async def test_a_bill_that_came_back_is_paid_again_under_its_contract_and_claim(api: Api, world: World) -> None:
    road = await Road.built(api, world)
    claim = await road.claim(400_000)
    made = await paid(api, await api.post("district-maker", LISTS, road.bill(claim, "4000.00")))
    assert await road.paid_under(claim) == (400_000, 400_000)
    await came_back(api, made)
    assert await road.paid_under(claim) == (0, 0)
    new = await paid(api, await again(api, made))
    assert (new["claim_id"], new["procurement_id"]) == (str(claim), str(road.procurement))
    assert await road.paid_under(claim) == (400_000, 400_000)
    # Nothing is left of the claim, and it says by how much.
    more = await api.post(
        "district-maker", LISTS, road.bill(claim, "0.01", period="2019-01", entitlement_on="2019-01-01")
    )
    assert [(fault["code"], fault["params"]["excess"]) for fault in more.json()["pending"]] == [
        ("claim-exceeded", "0.01")
    ]
    await assert_book_sound(world.service)


async def test_the_final_payment_that_filled_the_contract_is_paid_again_in_the_next_year(
    api: Api, world: World
) -> None:
    road = await Road.built(api, world)
    await road.accept()
    claim = await road.claim(CONTRACT)
    body = road.bill(claim, "12000.00", is_final=True, effective_on="2019-12-20")
    made = await paid(api, await api.post("district-maker", LISTS, body))
    await came_back(api, made, on="2020-01-06")
    new = await paid(api, await again(api, made, effective_on="2020-01-10"))
    assert (new["is_final"], new["claim_id"]) == (True, str(claim))
    assert await road.paid_under(claim) == (CONTRACT, CONTRACT)
    await came_back(api, new, on="2020-01-12")
    third = await paid(api, await again(api, new, effective_on="2020-01-15"))
    assert third["procurement_id"] == str(road.procurement)
    assert await road.paid_under(claim) == (CONTRACT, CONTRACT)
    await assert_book_sound(world.service)


async def test_an_uploaded_bill_that_pays_again_names_its_claim_like_any_other(api: Api, world: World) -> None:
    road = await Road.built(api, world)
    claim = await road.claim(400_000)
    made = await paid(api, await api.post("district-maker", LISTS, road.bill(claim, "4000.00")))
    await came_back(api, made)
    without = await api.post("district-maker", LISTS, road.bill(None, "4000.00"))
    assert {fault["code"] for fault in without.json()["pending"]} == {"claim-missing"}
    new = await paid(api, await api.post("district-maker", LISTS, road.bill(claim, "4000.00")))
    lines = (await api.get("auditor", f"{LISTS}/{new['payment_list_id']}/lines")).json()["items"]
    assert [(one["reissues_list"], one["reissues_line_no"]) for one in lines] == [(made["payment_list_id"], 1)]
    assert await road.paid_under(claim) == (400_000, 400_000)
    await assert_book_sound(world.service)


async def test_a_bill_without_claim_is_given_one_when_it_is_paid_again(api: Api, world: World) -> None:
    """Bills of the first version named no claim and no contract."""
    road = await Road.built(api, world)
    claim = await road.claim(400_000)
    made = await paid(api, await api.post("district-maker", LISTS, road.bill(claim, "4000.00")))
    await came_back(api, made)
    other = await road.claim(400_000)
    for name in ("claim_id", "procurement_id"):
        answer = await again(api, made, **{name: str(other)})
        assert (refused(answer), answer.json()["params"]) == ({"record-identity-changed"}, {"field": name})
    await world.owner.execute("ALTER TABLE payment_list DISABLE TRIGGER payment_list_append_only")
    await world.owner.execute(
        "UPDATE payment_list SET claim_id = NULL, procurement_id = NULL WHERE instruction_id = $1",
        UUID(made["payment_list_id"]),
    )
    await world.owner.execute("ALTER TABLE payment_list ENABLE TRIGGER payment_list_append_only")
    await world.tender(road.project, road.firm, 100_000)
    named = {"claim_id": str(other), "procurement_id": str(road.procurement)}
    new = await paid(api, await again(api, made, **named))
    assert {name: new[name] for name in named} == named
    assert await road.paid_under(other) == (400_000, 400_000)


# -- money outside the five


async def donations(api: Api, world: World, **fields: Any) -> tuple[dict[str, Any], list[Person], UUID]:
    """A list of donations to two households that was paid; its allocation."""
    allocation = new_id()
    leg = Leg(1_000_000, allocation_id=allocation, fund_code="donation", fiscal_year=2019)
    await world.post(DISTRICT, await world.draft(DISTRICT, "adopt_own", [leg]))
    people = await register(world, vault_of(api), 2, programme=None, household=True)
    return await paid(api, await donate(api, world, allocation, people, **fields)), people, allocation


async def donate(api: Api, world: World, allocation: UUID, people: list[Person], **fields: Any) -> Any:
    header = header_of(
        world,
        new_id(),
        allocation,
        kind="pay_other",
        payee_kind="household",
        programme_code="donation_relief",
        **fields,
    )
    del header["project_id"]
    lines = [{"household_no": p.household_no, "name": p.name, "card": p.card, "amount": "500.00"} for p in people]
    return await api.post("district-maker", LISTS, {**header, "lines": lines})


async def test_a_donation_that_came_back_is_paid_again_once(api: Api, world: World) -> None:
    made, people, allocation = await donations(api, world)
    await came_back(api, made, 1)
    assert await world.balance("executable", allocation=allocation) == 950_000
    # As a plain new line it is taken for what it is.
    plain = await donate(api, world, allocation, people[:1])
    lines = (await api.get("auditor", f"{LISTS}/{plain.json()['payment_list_id']}/lines")).json()["items"]
    assert [(one["reissues_list"], one["reissues_line_no"]) for one in lines] == [(made["payment_list_id"], 1)]
    new = await paid(api, await again(api, made))
    assert (new["kind"], new["total"], new["project_id"]) == ("pay_other", "500.00", None)
    assert await world.balance("paid_other", allocation=allocation) == 100_000
    assert refused(await again(api, made)) == {"nothing-to-reissue"}
    late = await approve(api, plain.json())
    assert {fault["code"] for fault in late.json()["faults"]} == {"reissued-already", "paid-twice"}
    await assert_book_sound(world.service)


async def test_a_donation_that_comes_back_in_the_next_year_is_paid_from_the_old_years_account(
    api: Api, world: World
) -> None:
    made, people, allocation = await donations(api, world, effective_on="2019-12-20")
    await came_back(api, made, 2, on="2020-01-06")
    new = await paid(api, await again(api, made, effective_on="2020-01-10"))
    row = await world.service.fetchrow(
        """SELECT c.account_kind || c.exec_year AS payer, d.account_kind || d.exec_year AS receiver
           FROM transfer t JOIN entry e USING (book, entry_id) JOIN account c ON c.account_id = t.credit_account
           JOIN account d ON d.account_id = t.debit_account WHERE e.instruction_id = $1""",
        UUID(new["payment_list_id"]),
    )  # fmt: skip
    assert row is not None
    assert (row["payer"], row["receiver"]) == ("executable2019", "paid_other2020")
    await came_back(api, new, on="2020-01-12")
    third = await paid(api, await donate(api, world, allocation, people[1:], effective_on="2020-01-15"))
    lines = (await api.get("auditor", f"{LISTS}/{third['payment_list_id']}/lines")).json()["items"]
    assert [(one["reissues_list"], one["reissues_line_no"]) for one in lines] == [(new["payment_list_id"], 1)]
    assert await world.balance("executable", allocation=allocation) == 900_000
    await assert_book_sound(world.service)
