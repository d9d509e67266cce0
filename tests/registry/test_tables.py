"""Every SQLModel table says what the migrated database says: columns, types, nullability, primary key."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest
from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

import fundledger
from fundledger.db.connection import Connection

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
       a.atthasdef AS has_default, coalesce((SELECT array_position(i.indkey::smallint[], a.attnum) FROM pg_index i
                 WHERE i.indrelid = a.attrelid AND i.indisprimary), -1) AS key_position
FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
SAME = {"VARCHAR": "text", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone"}
"""SQLModel's default for str is VARCHAR without a length, which the driver treats as text."""


def models() -> list[Table]:
    """The tables of every module `fundledger.*.tables`."""
    for package in pkgutil.iter_modules(fundledger.__path__, "fundledger."):
        if package.ispkg:
            try:
                importlib.import_module(f"{package.name}.tables")
            except ModuleNotFoundError as error:
                if error.name != f"{package.name}.tables":
                    raise
    return list(SQLModel.metadata.tables.values())


def type_of(column: Column[Any]) -> str:
    """The column's type as the catalogue writes it."""
    text = str(column.type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    return SAME.get(text, text.lower())


@pytest.mark.parametrize("table", models(), ids=lambda table: table.name)
async def test_a_table_is_what_the_migrations_made(owner: Connection, table: Table) -> None:
    found = {row["attname"]: row for row in await owner.fetch(COLUMNS, table.name)}
    assert {column.name for column in table.columns} <= found.keys()
    for column in table.columns:
        row = found[column.name]
        assert (type_of(column), column.nullable) == (row["type"], row["nullable"]), column.name
    # A column the model leaves out must fill itself, or inserting through the model would fail.
    assert {name for name, row in found.items() if not (row["has_default"] or row["nullable"])} <= set(
        table.columns.keys()
    )
    key = sorted((row["key_position"], name) for name, row in found.items() if row["key_position"] >= 0)
    assert [column.name for column in table.primary_key] == [name for _, name in key]


def test_the_registry_and_the_policy_are_among_the_tables() -> None:
    expected = {"division", "village_list", "village_list_version", "household", "person", "registry_status",
                "roster_member", "organisation", "registry_import", "parameter", "fund", "programme",
                "exemption_rule", "negative_list"}  # fmt: skip
    assert expected <= {table.name for table in models()}
