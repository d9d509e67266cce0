"""The digest of an instruction, computed by two implementations that share no code: they agree on everything."""

from __future__ import annotations

import os
import random
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from fundledger.db.connection import Connection
from fundledger.ids import new_id
from fundledger.sealing.content import digests
from fundledger.sealing.leaf import PAYMENTS
from tests.builders import DISTRICT, World, insert

KINDS = (
    "adopt",
    "allocate",
    "release",
    "adopt_own",
    "fund",
    "pay",
    "return",
    "reverse",
    "advance",
    "settle",
    "pay_other",
    "virement",
    "carry_over",
)
NASTY = (
    '"', "\\", "/", "</script>", "'", "\b\f\n\r\t", "\x01\x1f\x7f\x80\x9f", "\u2028\u2029", "金额", "é", "e\u0301",
    "\ufeff", "\U0001f600", "\U0010ffff", "|", "\n|", "null", "{}", " ", "", "a" * 300,
)  # fmt: skip


def text(rng: random.Random) -> str:
    """Something nobody would type."""
    return "".join(rng.choices(NASTY, k=rng.randint(1, 5)))


def maybe(rng: random.Random, value: Any) -> Any:
    """The value or nothing."""
    return value if rng.random() < 0.5 else None


async def random_instruction(connection: Connection, world: World, rng: random.Random, kind: str) -> UUID:
    """A draft of any kind with odd texts everywhere; it need not make sense, only be storable."""
    instruction, maker = new_id(), world.who("district-maker").staff_id
    lines = rng.randint(1, 4)
    await insert(connection, "instruction", {
        "book": DISTRICT, "instruction_id": instruction, "entry_kind": kind, "document_no": text(rng) or "文",
        "effective_on": date(rng.randint(2001, 2099), rng.randint(1, 12), rng.randint(1, 28)), "summary": text(rng),
        "functional_class": "2130599", "economic_class": "30399", "officer_id": new_id(),
        "supervisor_id": maybe(rng, new_id()), "release_kind": maybe(rng, "prepaid"),
        "exception_document_no": maybe(rng, text(rng)), "inputs": text(rng), "line_count": lines,
        "total": rng.randint(1, 2**62), "maker_id": maker,
    })  # fmt: skip
    for leg in range(1, rng.randint(1, 3) + 1):
        await insert(connection, "instruction_leg", {
            "book": DISTRICT, "instruction_id": instruction, "leg_no": leg, "amount": rng.randint(1, 2**62),
            "budget_line_id": maybe(rng, new_id()), "allocation_id": maybe(rng, new_id()),
            "project_id": maybe(rng, new_id()), "fund_code": maybe(rng, "special_factor"),
            "fiscal_year": maybe(rng, 2019), "district": maybe(rng, DISTRICT), "village_code": maybe(rng, text(rng)),
            "allocation_document_no": maybe(rng, text(rng)), "undoes_entry_id": maybe(rng, new_id()),
            "undoes_line_no": maybe(rng, 7), "exec_year": maybe(rng, 2018), "to_allocation_id": maybe(rng, new_id()),
            "payee_id": maybe(rng, new_id()), "settles_entry_id": maybe(rng, new_id()), "settles_line_no": maybe(rng, 3),
        })  # fmt: skip
    if kind in PAYMENTS:
        await random_list(connection, rng, instruction, lines)
    return instruction


async def random_list(connection: Connection, rng: random.Random, instruction: UUID, lines: int) -> None:
    """The list of a payment and its lines."""
    await insert(connection, "payment_list", {
        "book": DISTRICT, "instruction_id": instruction, "project_id": maybe(rng, new_id()),
        "procurement_id": maybe(rng, new_id()), "claim_id": maybe(rng, new_id()), "programme_code": "labour_subsidy",
        "period": "2019-Q1", "entitlement_on": date(2019, 2, 1), "payee_kind": "person", "pay_method": "transfer",
        "is_final": rng.random() < 0.5,
    })  # fmt: skip
    for line in range(1, lines + 1):
        again = maybe(rng, new_id())
        await insert(connection, "payment_line", {
            "book": DISTRICT, "instruction_id": instruction, "leg_no": rng.randint(1, 2), "line_no": line,
            "amount": rng.randint(1, 2**62), "payee_id": new_id(), "household_id": maybe(rng, new_id()),
            "quantity": rng.randint(1, 9), "programme_code": text(rng), "period": text(rng),
            "participation_ref": maybe(rng, text(rng)), "exception_document_no": maybe(rng, text(rng)),
            "card_hash": maybe(rng, rng.randbytes(32)), "name_commitment": os.urandom(32),
            "card_commitment": os.urandom(32), "reissues_entry_id": again,
            "reissues_line_no": None if again is None else line,
        })  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
async def test_both_implementations_agree_on_instructions_of_every_kind(world: World, seed: int) -> None:
    rng = random.Random(seed)
    keys = [(DISTRICT, await random_instruction(world.service, world, rng, kind)) for kind in KINDS for _ in range(6)]
    rows = await world.service.fetch("SELECT book, instruction_id, digest FROM instruction_content")
    assert {(row["book"], row["instruction_id"]): row["digest"] for row in rows} == await digests(world.service, keys)


async def test_both_escape_every_character_alike(world: World) -> None:
    """All of Unicode, in the summary and in a line's free texts."""
    rng = random.Random(9)
    step = 50_000
    for start in range(1, 0x110000, step):
        alphabet = "".join(map(chr, (n for n in range(start, min(start + step, 0x110000)) if not 0xD800 <= n < 0xE000)))
        instruction = await random_instruction(world.service, world, rng, "pay")
        await insert(world.service, "instruction", {
            "book": DISTRICT, "instruction_id": (other := new_id()), "entry_kind": "fund", "document_no": alphabet,
            "effective_on": date(2019, 1, 1), "summary": alphabet, "functional_class": "213", "economic_class": "303",
            "officer_id": new_id(), "line_count": 1, "total": 1, "maker_id": world.who("district-maker").staff_id,
        })  # fmt: skip
        made = await digests(world.service, [(DISTRICT, instruction), (DISTRICT, other)])
        for (book, key), digest in made.items():
            assert digest == await world.service.fetchval("SELECT instruction_digest($1, $2)", book, key), hex(start)


async def test_an_unknown_instruction_has_no_digest(world: World) -> None:
    assert await digests(world.service, [(DISTRICT, new_id())]) == {}


async def test_long_lists_are_read_in_parts_without_losing_a_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fundledger.sealing.content.CHUNK", 2)
    instruction = await random_instruction(world.service, world, random.Random(5), "pay")
    made = await digests(world.service, [(DISTRICT, instruction)])
    assert made[DISTRICT, instruction] == await world.digest(DISTRICT, instruction)
