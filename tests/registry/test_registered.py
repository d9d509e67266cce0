"""After the upgrade from the first version: what was sealed with its holder becomes the holder's first account, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fundledger.ids import new_id
from fundledger.registry import registered
from fundledger.registry.organisations import organisation_context
from fundledger.registry.persons import seal_person
from fundledger.registry.registered import adopt_registered
from fundledger.registry.vault import Vault, VaultError
from tests.builders import DISTRICT, VILLAGE, World, insert

CARD, ACCOUNT = "6217000000000000018", "4201000000000002"


async def as_of_the_first_version(world: World, vault: Vault, cards: list[str | None]) -> None:
    """Persons and an organisation whose numbers stand in their sealed texts only."""
    maker = world.who("district-maker").staff_id
    for card in cards:
        household, person = new_id(), new_id()
        await insert(world.service, "household", {
            "book": DISTRICT, "household_id": household, "household_no": str(household), "village_code": VILLAGE,
            "recorded_by": maker,
        })  # fmt: skip
        sealed = seal_person(vault, DISTRICT, person, name="某某", identity_number="x", card=card, phone=None)
        await insert(world.service, "person", {
            "book": DISTRICT, "person_id": person, "household_id": household, "is_head": True, "sealed": sealed,
            "identity_hash": os.urandom(32), "name_hash": os.urandom(32), "recorded_by": maker,
        })  # fmt: skip
    firm = new_id()
    await insert(world.service, "organisation", {
        "book": DISTRICT, "organisation_id": firm, "kind": "supplier", "name": "某公司", "credit_code": "91420100000000000X",
        "account_sealed": vault.seal({"account": ACCOUNT}, organisation_context(DISTRICT, firm)), "recorded_by": maker,
    })  # fmt: skip


async def test_sealed_numbers_become_first_accounts_and_only_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registered, "CHUNK", 2)
    vault = Vault.open(tmp_path / "keys.json")
    await as_of_the_first_version(world, vault, [CARD, None, CARD, CARD, None])
    assert await adopt_registered(world.service, vault) == 4
    hashes = {
        bytes(row[0]) for row in await world.service.fetch("SELECT account_hash FROM payee_account WHERE version = 1")
    }
    assert hashes == {vault.digest("card", CARD), vault.digest("card", ACCOUNT)}
    assert await adopt_registered(world.service, vault) == 0


async def test_other_keys_open_nothing_and_write_nothing(world: World, tmp_path: Path) -> None:
    await as_of_the_first_version(world, Vault.open(tmp_path / "keys.json"), [CARD])
    with pytest.raises(VaultError):
        await adopt_registered(world.service, Vault.open(tmp_path / "other.json"))
    assert await world.service.fetchval("SELECT count(*) FROM payee_account") == 0
