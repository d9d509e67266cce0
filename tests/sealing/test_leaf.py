"""The format of a leaf is frozen by golden vectors, and a third party can recompute them with other tools."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
import rfc8785

from fundledger.sealing import leaf
from tests.sealing import examples


def golden(version: int = leaf.FORMAT) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((examples.VECTORS / f"v{version}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("version", examples.MADE)
def test_every_record_has_the_bytes_and_hash_of_its_golden_vector(version: int) -> None:
    assert examples.MADE[version]() == golden(version)


@pytest.mark.parametrize("vector", [*golden(), *golden(leaf.EXTENDED)], ids=lambda vector: vector["name"])
def test_a_vector_is_rfc_8785_and_its_hash_is_rfc_6962(vector: dict[str, str]) -> None:
    data = vector["data"].encode()
    assert rfc8785.dumps(json.loads(data)) == data
    assert sha256(b"\x00" + data).hexdigest() == vector["leaf_hash"]


def test_the_root_in_an_entry_is_recomputed_from_its_lines() -> None:
    one, two, three = (bytes.fromhex(vector["leaf_hash"]) for vector in golden()[:3])
    left = sha256(b"\x01" + one + two).digest()
    header = next(json.loads(vector["data"]) for vector in golden() if vector["name"] == "entry that pays")
    assert header["lines_root"] == sha256(b"\x01" + left + three).hexdigest()


def test_every_kind_of_the_log_has_a_vector_and_a_version() -> None:
    records = {version: [json.loads(vector["data"]) for vector in golden(version)] for version in examples.MADE}
    kinds = {record["kind"] for made in records.values() for record in made}
    assert kinds == {*leaf.KINDS, "line"}
    for version, made in records.items():
        assert {record["v"] for record in made} == {version}


def test_no_leaf_holds_a_position_or_the_time_of_sealing() -> None:
    for vector in [*golden(), *golden(leaf.EXTENDED)]:
        assert not {"position", "appended_at", "sealed_at", "order_no"} & json.loads(vector["data"]).keys()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2019, 3, 1, 8, 0, tzinfo=UTC), "2019-03-01T08:00:00.000000Z"),
        (datetime(2019, 3, 1, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=8))), "2019-03-01T00:00:00.000001Z"),
    ],
)
def test_instants_are_utc_with_microseconds(moment: datetime, text: str) -> None:
    assert leaf.instant(moment) == text


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("1.5", "1.5"), ("1e400", "1e400"), ("9007199254740991", 2**53 - 1), ("9007199254740992", "9007199254740992"),
        ("-99999999999999999999", "-99999999999999999999"), ("[1, null, true]", [1, None, True]), ("-0", 0),
    ],
)  # fmt: skip
def test_numbers_of_a_refusal_that_readers_disagree_on_become_text(stored: str, value: Any) -> None:
    assert leaf.stored_json(stored) == value
