"""Made-up payments and postings, handed to the gate as the service's role could: nothing posts, and the refusal is clean.

An attack prepares what the service's grants allow (or what a database administrator could do behind the triggers) and
returns its last call, which must be refused with exactly the codes named, and leave the book as it was.
"""

from __future__ import annotations

import asyncpg
import pytest

from fundledger.book.instructions import Leg
from fundledger.db.connection import Connection
from fundledger.errors import FundledgerError
from fundledger.ids import new_id
from tests.book import attacks_on_arguments, attacks_on_payments, attacks_on_postings
from tests.book.attackers import ATTACKS, Scene, codes_of, make_scene
from tests.builders import CITY, OTHER_DISTRICT, World
from tests.soundness import assert_book_sound

__all__ = ["attacks_on_arguments", "attacks_on_payments", "attacks_on_postings"]


@pytest.fixture
async def scene(world: World, superuser: Connection) -> Scene:
    """The book under attack."""
    return await make_scene(world, superuser)


async def test_the_scene_posts_when_nobody_attacks_it(scene: Scene) -> None:
    assert [row["outcome"] for row in await scene.pay(scene.pay_list)] == ["posted"]
    payer = scene.world.who("other-payer")
    others = await scene.strike(scene.other_list, payer, book=OTHER_DISTRICT, sha=None)
    assert [row["outcome"] for row in others] == ["posted"]
    adopt = await scene.drafted(
        CITY, "adopt", Leg(5, budget_line_id=new_id(), fund_code="special_factor", fiscal_year=2019)
    )
    assert [row["outcome"] for row in await scene.post(adopt)] == ["posted"]
    assert [row["outcome"] for row in await scene.pay(await scene.draft_list())] == ["posted"]
    await assert_book_sound(scene.superuser)


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_posts_nothing_and_is_refused_cleanly(name: str, scene: Scene) -> None:
    prepare, expected = ATTACKS[name]
    last = await prepare(scene)
    before = await scene.footprint()
    with pytest.raises((asyncpg.PostgresError, FundledgerError)) as caught:
        await last
    assert codes_of(caught.value) == expected
    assert await scene.footprint() == before
