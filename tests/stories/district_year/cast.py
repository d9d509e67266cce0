"""The words of the story: who calls, what must succeed, what must be refused. Every word is one call of the API."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx

from fundledger.access.policy import Caller
from fundledger.access.tokens import add_staff, add_unit, issue
from fundledger.ids import new_id
from tests.builders import CITY, DISTRICT, VILLAGE, World, insert
from tests.web import Api

SECOND_VILLAGE = "420117001201"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Year:
    """The year as it goes on: its calls, and by name what the story made (`made`)."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.made: dict[str, str] = {}
        self.officers = {key: str(officer) for key, officer in api.world.officers.items()}
        self._documents = count(1)

    def document_no(self, office: str = "区扶办") -> str:
        """The next document of an office."""
        return f"{office}〔2019〕{next(self._documents)}号"

    def heading(self, day: str, summary: str, book: int = DISTRICT, **fields: Any) -> dict[str, Any]:
        """What every posting names: document, day, and the two officers in office."""
        return {"document_no": self.document_no(), "effective_on": day, "summary": summary,
                "officer_id": self.officers[book, "accountable"],
                "supervisor_id": self.officers[book, "supervising"], **fields}  # fmt: skip

    async def ask(self, who: str, path: str, *, book: int = DISTRICT, **params: Any) -> Any:
        """What a GET answers."""
        answer = await self.api.get(who, f"/v1/books/{book}/{path}", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(
        self, who: str, path: str, body: Any = None, *, book: int = DISTRICT, **options: Any
    ) -> httpx.Response:
        """A POST, whatever it answers; `query` are its parameters."""
        query = urlencode(options.pop("query", {}), doseq=True)
        return await self.api.post(who, f"/v1/books/{book}/{path}" + (f"?{query}" if query else ""), body, **options)

    async def do(self, who: str, path: str, body: Any = None, *, book: int = DISTRICT, **options: Any) -> Any:
        """A POST that succeeds."""
        answer = await self.send(who, path, body, book=book, **options)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    async def refused(
        self, code: str, who: str, path: str, body: Any = None, *, book: int = DISTRICT
    ) -> dict[str, Any]:
        """A POST that is refused for this reason and no other; the fault's parameters."""
        answer = await self.send(who, path, body, book=book)
        assert answer.status_code >= 400, f"{path}: not refused"
        problem = answer.json()
        faults = problem.get("faults") or [problem]
        assert [fault["code"] for fault in faults] == [code], answer.text
        return dict(faults[0].get("params", {}))

    async def posted(self, path: str, body: Any, *, book: int = DISTRICT, maker: str | None = None) -> str:
        """Drafted by a maker, approved by another person, and so posted; the entry's id."""
        side = "city" if book == CITY else "district"
        drafted = await self.do(maker or f"{side}-maker", path, body, book=book)
        return await self.approved(drafted, book=book)

    async def approved(self, drafted: dict[str, Any], *, book: int = DISTRICT) -> str:
        """Approve a draft as it was seen; the entry's id."""
        side = "city" if book == CITY else "district"
        answer = await self.api.approve(f"{side}-approver", book, drafted)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["entry_id"])

    async def evidence(self, title: str, *, book: int = DISTRICT) -> str:
        """A paper kept as evidence; its SHA-256."""
        maker = "city-maker" if book == CITY else "district-maker"
        kept = await self.do(maker, "evidence", book=book, content=f"{title} {new_id()}".encode(), media="text/plain",
                             query={"title": title})  # fmt: skip
        return str(kept["sha256"])

    async def balances(self, fund: str, day: str) -> dict[str, Any]:
        """The execution report's row of a fund, in the district, at the end of a day."""
        report = await self.ask("auditor", "reports/execution", by="fund", on=day)
        return dict(next(row for row in report["rows"] if row["fund_code"] == fund))


async def begin(api: Api) -> Year:
    """The people of the builders, and a clerk of the village; a second village beside it."""
    world = api.world
    await _add_person(world, "village-clerk", "village", VILLAGE)
    await insert(world.service, "division", {
        "book": DISTRICT, "code": SECOND_VILLAGE, "name": "二村", "level": "village", "parent_code": f"{DISTRICT}001",
        "source": "test",
    })  # fmt: skip
    return Year(api)


async def _add_person(world: World, name: str, kind: str, division: str) -> None:
    unit = await add_unit(world.owner, DISTRICT, kind, f"{kind}-{division}", division)
    staff = await add_staff(world.owner, DISTRICT, unit, name, ("maker",))
    world.people[name] = Caller(DISTRICT, staff, unit, kind, name, frozenset({"maker"}))
    world.tokens[name] = await issue(world.owner, DISTRICT, staff)


def unit_of(year: Year, who: str) -> str:
    """The unit of a person."""
    return str(year.api.world.who(who).unit_id)
