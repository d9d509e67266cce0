"""Names and accounts: opened for the payee that was asked for, fitting the commitments, and never told by a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fundledger.access.policy import Caller
from fundledger.errors import FundledgerError
from fundledger.exports.bundle_request import Asked, asked_bundle, may_open
from fundledger.ids import new_id
from fundledger.registry.vault import Vault
from tests.builders import CITY, DISTRICT, OTHER_DISTRICT
from tests.verifier.making import Log, members, resigned, rows, taken, unrows

SPOILED: dict[str, dict[str, Any]] = {
    "value": {"value": "某人"}, "salt": {"salt": "00" * 32}, "line_no": {"line_no": 99_999},
    "erased": {"salt": None, "value": None},
}  # fmt: skip
PAID = """SELECT p.household_id FROM payment_line p JOIN payment_line_private s USING (book, instruction_id, line_no)
    JOIN payment_line_state t USING (book, instruction_id, line_no)
    WHERE t.state <> 'returned' AND p.household_id IS NOT NULL ORDER BY p.line_no DESC LIMIT 1"""


async def opened(log: Log, year_folder: Path) -> tuple[Path, str]:
    """A household's bundle with openings; and the household."""
    wanted = str(await log.connection.fetchval(PAID))
    path = log.folder / "opened.zip"
    asked = Asked("household", DISTRICT, wanted, openings=True)
    async with log.connection.transaction(isolation="repeatable_read", readonly=True):
        with path.open("wb") as file:
            await asked_bundle(log.connection, log.ring, asked, file, Vault.open(year_folder / "keys.json"))
    return path, wanted


async def test_openings_fit_and_are_told_nowhere(year_log: Log, year_folder: Path) -> None:
    path, _ = await opened(year_log, year_folder)
    report = year_log.verify(path)
    told = json.dumps(report.as_json(), ensure_ascii=False)
    assert report.exit_code == 0, told
    parts = rows(members(path)["openings.ndjson"])
    assert {row["field"] for row in parts} == {"name", "card"}
    assert not [row for row in parts if row["value"] in told]
    assert report.outcomes["openings-fit"].made == len(parts)


@pytest.mark.parametrize("field", SPOILED)
async def test_an_opening_that_does_not_fit_is_found(year_log: Log, year_folder: Path, field: str) -> None:
    path, _ = await opened(year_log, year_folder)

    def change(parts: dict[str, bytes]) -> None:
        given = rows(parts["openings.ndjson"])
        given[0].update(SPOILED[field])
        parts["openings.ndjson"] = unrows(given)

    report = year_log.verify(resigned(path, year_log.ring, change))
    assert report.exit_code == (3 if field == "erased" else 1)
    assert report.state("openings-fit") == ("incomplete" if field == "erased" else "fault")


async def test_nobody_else_s_are_opened(year_log: Log, year_folder: Path) -> None:
    vault = Vault.open(year_folder / "keys.json")
    for asked in (
        Asked(openings=True),
        Asked("book", DISTRICT, openings=True),
        Asked("entry", DISTRICT, str(new_id()), openings=True),
    ):
        with (
            (year_log.folder / "none.zip").open("wb") as file,
            pytest.raises(FundledgerError, match="bundle-openings-not-allowed"),
        ):
            await asked_bundle(year_log.connection, year_log.ring, asked, file, vault)
    plain = await taken(year_log, kind="household", book=DISTRICT, ref=(await opened(year_log, year_folder))[1])
    assert "openings.ndjson" not in members(plain)


@pytest.mark.parametrize(
    ("book", "kind", "allowed"),
    [(CITY, "audit", True), (CITY, "inspection", True), (DISTRICT, "finance", True), (DISTRICT, "township", True),
     (CITY, "finance", False), (OTHER_DISTRICT, "finance", False), (DISTRICT, "admin", False), (DISTRICT, "village", False)],
)  # fmt: skip
def test_who_may_see_them(book: int, kind: str, allowed: bool) -> None:
    assert may_open(Caller(book, new_id(), new_id(), kind, "x", frozenset()), DISTRICT) is allowed
