"""The schema as PostgreSQL knows it: the rules that keep sharding by book a migration, and append-only true.

The rules are those of research/scale.md section 6, where the design does not say otherwise; each test reads the catalogue,
so a table or function that somebody adds is held to them. An exemption is named here with its reason.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from fundledger.db import migrate, roles
from fundledger.db.connection import Connection
from fundledger.db.embedded import EmbeddedServer
from tests.databases import FAST, connected
from tests.soundness import assert_book_sound

REFERENCE = {
    "book",
    "fund",
    "programme",
    "negative_list",
    "exemption_rule",
    "parameter",
    "account_kind",
    "posting_rule",
    "entry_kind",
    "programme_exclusion",
}
"""Small, slow, the same on every shard (scale.md rule 3); filled by migrations."""
DEPLOYMENT = {"log_leaf": "one log of the whole deployment, in one order", "log_queue": "what waits for that order",
              "log_node": "nodes of the tree over log_leaf", "log_checkpoint": "what the log's key signed",
              "log_cosignature": "what witnesses said of a checkpoint", "log_kept": "since which position inner trees are kept",
              "alembic_version": "Alembic's own"}  # fmt: skip
"""Tables without a book in their keys, each with its reason (design section 5)."""
MUTABLE = {"account_balance", "account_day", "refusal_count", "claim_window", "log_queue", "alembic_version"}
"""Derived rows (design 3.1)."""
UNIQUE_WITHOUT_BOOK = {("period_close", "period_close_id"): "the id of the record in the log",
                       ("year_close", "year_close_id"): "the id of the record in the log"}  # fmt: skip
"""Unique keys of ledger tables that do not start with the book, each with its reason."""
DEFINERS = {"gate_post", "gate_approve", "gate_close_period", "gate_close_year", "payment_faults", "preview_faults", "record_refusal", "publish_notice", "log_append", "log_sign",
            "refresh_statistics", "check_procurement", "check_bid", "check_contract_change", "check_contract_change_review",
            "check_acceptance", "check_claim", "check_claim_voucher", "check_claim_review", "approve_parameter", "reject_parameter", "approve_erasure", "reject_erasure"}  # fmt: skip
"""The only functions that act with the owner's rights."""
GUARDS = {"library_guard_project", "library_guard_part", "library_guard_objection", "library_guard_evaluation",
          "library_guard_evaluation_part", "library_guard_notice_objection"}  # fmt: skip
"""Triggers that do so too: they call functions that are nobody's, and write nothing."""
PREVIEWS = {"preview_faults": "gate_preview, public, pg_temp"}
"""They see previewed lines beside those of lists (0002/80_preview.sql); the schema is the owner's."""

TABLES = "SELECT c.oid, c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"


async def ledger_tables(connection: Connection) -> list[str]:
    """Every table that belongs to a book."""
    rows = await connection.fetch(TABLES + " ORDER BY 2")
    return [row["name"] for row in rows if row["name"] not in REFERENCE | DEPLOYMENT.keys()]


async def test_the_tables_without_a_book_are_those_named(owner: Connection) -> None:
    names = {row["name"] for row in await owner.fetch(TABLES)}
    assert (REFERENCE | DEPLOYMENT.keys()) <= names
    assert len(await ledger_tables(owner)) > 30


async def test_every_ledger_table_has_the_book_first_and_never_null(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT c.relname, a.attname, a.atttypid::regtype::text AS type, a.attnotnull FROM pg_class c
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 WHERE c.relname = ANY ($1)
             AND c.relnamespace = 'public'::regnamespace""",
        await ledger_tables(owner),
    )
    wrong = [
        row["relname"] for row in rows if (row["attname"], row["type"], row["attnotnull"]) != ("book", "bigint", True)
    ]
    assert wrong == []


async def test_every_key_starts_with_the_book(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT t.relname AS tab, i.relname AS index, array_agg(a.attname::text ORDER BY k.n) AS columns
           FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
           CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY k (attnum, n)
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
           WHERE x.indisunique AND t.relname = ANY ($1) AND t.relnamespace = 'public'::regnamespace GROUP BY 1, 2""",
        await ledger_tables(owner),
    )
    wrong = {(row["tab"], ",".join(row["columns"])) for row in rows if row["columns"][0] != "book"}
    assert wrong <= UNIQUE_WITHOUT_BOOK.keys()


async def test_every_ledger_table_has_a_primary_key(owner: Connection) -> None:
    rows = await owner.fetch("SELECT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'p'")
    assert set(await ledger_tables(owner)) - {row["name"] for row in rows} == set()


async def test_foreign_keys_stay_in_the_book_or_lead_to_reference_tables(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT f.conname, f.conrelid::regclass::text AS source, f.confrelid::regclass::text AS target,
                  f.condeferrable, f.confupdtype = 'a' AND f.confdeltype = 'a' AS inert,
                  (SELECT attname FROM pg_attribute WHERE attrelid = f.conrelid AND attnum = f.conkey[1]) AS source_first,
                  (SELECT attname FROM pg_attribute WHERE attrelid = f.confrelid AND attnum = f.confkey[1]) AS target_first
           FROM pg_constraint f WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace"""
    )
    assert len(rows) > 30
    for row in rows:
        assert row["inert"], f"{row['conname']} changes rows by itself"
        assert not row["condeferrable"], row["conname"]
        if row["target"] in REFERENCE:
            continue
        assert row["source"] not in REFERENCE, f"{row['conname']}: reference data leads to a ledger"
        assert (row["source_first"], row["target_first"]) == ("book", "book"), row["conname"]


async def test_no_column_numbers_itself(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
             AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%')"""
    )
    assert [tuple(row) for row in rows] == []
    sequences = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
    )
    # One order for the whole deployment: which record is sealed first.
    assert [row["relname"] for row in sequences] == ["record_order"]


async def triggers(connection: Connection) -> dict[str, list[tuple[int, str, str]]]:
    """Own triggers by table: event mask (pg_trigger.tgtype), function, enabled."""
    rows = await connection.fetch(
        """SELECT c.relname, t.tgtype::integer AS mask, p.proname, t.tgenabled::text AS enabled FROM pg_trigger t
           JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
           WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace"""
    )
    found: dict[str, list[tuple[int, str, str]]] = {}
    for row in rows:
        found.setdefault(row["relname"], []).append((row["mask"], row["proname"], row["enabled"]))
    return found


ROW, BEFORE, DELETE, UPDATE, TRUNCATE = 1, 2, 8, 16, 32
GUARDING = {"refuse_change", "refuse_change_of_opening"}
"""The second lets through what an approved erasure names, and nothing else."""


async def test_every_record_refuses_update_delete_and_apart_from_them_truncate(owner: Connection) -> None:
    found = await triggers(owner)
    for row in await owner.fetch(TABLES):
        mine = found.get(row["name"], [])
        guards = [(mask, enabled) for mask, function, enabled in mine if function in GUARDING]
        if row["name"] in MUTABLE:
            assert guards == [], row["name"]
        else:
            # TRUNCATE alone in its mask: sharded, a trigger of several events is not carried over (scale.md rule 16).
            assert sorted(guards) == [(BEFORE + DELETE + UPDATE + ROW, "O"), (BEFORE + TRUNCATE, "O")], row["name"]


async def test_triggers_have_no_side_effects_and_do_not_ask_which_table_they_are_on(owner: Connection) -> None:
    rows = await owner.fetch(
        "SELECT DISTINCT p.proname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
    )
    assert {row["proname"] for row in rows} == {
        "refuse_change", "officer_term_continues", "refuse_late_content", "refuse_late_rejection", "refuse_own_confirmation", "refuse_own_lifting",
        "check_payee_accounts", "refuse_change_of_opening", "refuse_opening_again", "refuse_line_of_decided", "check_procurement", "check_bid", "check_contract_change",
        "check_contract_change_review", "check_acceptance", "check_claim", "check_claim_voucher", "check_claim_review",
    } | GUARDS  # fmt: skip
    for row in rows:
        source = re.sub(r"--.*", "", row["prosrc"])
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|NOTIFY)\s+(INTO|FROM|\w+\s+SET)", source), row["proname"]
        assert not re.search(r"TG_(TABLE_)?NAME\s*(=|<>|IN\b)|CASE\s+TG_", source), row["proname"]


async def test_there_are_no_rules_exclusions_inheritance_or_row_security(owner: Connection) -> None:
    assert (
        await owner.fetch("SELECT rulename FROM pg_rules WHERE schemaname = 'public'") == []
    )  # views' own rules are not listed there
    assert await owner.fetch("SELECT conname FROM pg_constraint WHERE contype = 'x'") == []
    assert await owner.fetch("SELECT * FROM pg_inherits") == []
    assert await owner.fetch("SELECT relname FROM pg_class WHERE relrowsecurity") == []


async def test_functions_use_neither_merge_nor_listen_nor_dynamic_table_names(owner: Connection) -> None:
    rows = await owner.fetch("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
    for row in rows:
        source = re.sub(r"--.*", "", row["prosrc"])
        assert not re.search(r"\b(MERGE\s+INTO|LISTEN|NOTIFY|pg_notify)\b", source), row["proname"]
        if row["proname"] != "refresh_statistics":  # it may only name tables on its own list
            assert not re.search(r"\bEXECUTE\b", source), row["proname"]


async def test_only_the_named_functions_act_as_the_owner_and_all_pin_their_path(owner: Connection) -> None:
    rows = await owner.fetch(
        "SELECT proname, proconfig, proowner::regrole::text AS owner FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
    )
    assert {row["proname"] for row in rows} == DEFINERS | GUARDS
    for row in rows:
        path = PREVIEWS.get(row["proname"], "public, pg_temp")
        assert f"search_path={path}" in (row["proconfig"] or []), row["proname"]
        assert row["owner"] == roles.OWNER


async def test_nothing_is_granted_to_public_and_nobody_else_holds_a_right(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT o.name, acl.grantee, acl.privilege_type FROM (
               SELECT c.relname::text AS name, c.relacl AS acl FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
               UNION ALL SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
               FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
               UNION ALL SELECT n.nspname, n.nspacl FROM pg_namespace n WHERE n.nspname = 'public') o
           CROSS JOIN LATERAL aclexplode(o.acl) acl"""
    )
    known = {row["oid"]: row["rolname"] for row in await owner.fetch("SELECT oid, rolname FROM pg_roles")}
    for row in rows:
        assert row["grantee"] != 0, f"{row['name']} is open to PUBLIC"
        assert known[row["grantee"]] in {roles.OWNER, roles.SERVICE, roles.READER, "pg_database_owner"}, row["name"]


WRITES = {"UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}


async def test_neither_role_holds_a_right_to_change_anything(owner: Connection) -> None:
    rows = await owner.fetch(
        """SELECT c.relname, acl.privilege_type, acl.is_grantable, acl.grantee::regrole::text AS role FROM pg_class c
           CROSS JOIN LATERAL aclexplode(c.relacl) acl WHERE c.relnamespace = 'public'::regnamespace
           UNION ALL
           SELECT c.relname || '.' || a.attname, acl.privilege_type, acl.is_grantable, acl.grantee::regrole::text FROM pg_attribute a
           JOIN pg_class c ON c.oid = a.attrelid CROSS JOIN LATERAL aclexplode(a.attacl) acl WHERE c.relnamespace = 'public'::regnamespace"""
    )
    for row in rows:
        if row["role"] != roles.OWNER:
            assert row["privilege_type"] not in WRITES, (row["relname"], row["role"])
            assert not row["is_grantable"], row["relname"]
            assert row["privilege_type"] in {"SELECT"} | ({"INSERT"} if row["role"] == roles.SERVICE else set()), row[
                "relname"
            ]


async def test_both_roles_can_read_every_view_there_is(service: Connection, reader: Connection) -> None:
    rows = await service.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace"
    )
    for row in rows:
        for connection in (service, reader):
            # A view that calls a function the role may not call fails only when it is read.
            await connection.fetch(f"SELECT * FROM {row['relname']} LIMIT 1")


def test_the_history_has_one_head_and_one_root() -> None:
    script = ScriptDirectory(str(migrate.migrations_dir()))
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
async def fifteen(tmp_path: Path) -> AsyncIterator[roles.DatabaseUrls]:
    """A migrated database on PostgreSQL 15."""
    if not (POSTGRES_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed here")
    server = EmbeddedServer(tmp_path / "fifteen", bin_dir=POSTGRES_15, settings=FAST)
    try:
        server.start()
        urls = await roles.prepare(server.superuser_url, roles.Passwords.generate())
        await migrate.upgrade(urls.owner_url)
        yield urls
    finally:
        server.destroy()


async def test_the_schema_works_on_postgresql_15(fifteen: roles.DatabaseUrls) -> None:
    from tests.book.test_soundness import money_down_and_back
    from tests.builders import make_world

    async with connected(fifteen.service_url) as service, connected(fifteen.owner_url) as owner:
        assert (await service.fetchval("SHOW server_version")).startswith("15")
        await money_down_and_back(await make_world(service, owner))
        await assert_book_sound(service)
        await test_both_roles_can_read_every_view_there_is(service, service)
    assert await migrate.current(fifteen.owner_url) == migrate.head()


async def test_the_schemas_of_15_and_of_the_wheel_are_the_same(fifteen: roles.DatabaseUrls, owner: Connection) -> None:
    shape = """
        SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull AS line
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
          AND c.relkind IN ('r', 'v')
        UNION ALL SELECT p.oid::regprocedure::text || md5(p.prosrc) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        UNION ALL SELECT conrelid::regclass::text || ' ' || conname FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
        ORDER BY 1
    """
    async with connected(fifteen.owner_url) as other:
        theirs = [row["line"] for row in await other.fetch(shape)]
    ours = [row["line"] for row in await owner.fetch(shape)]
    assert set(ours) ^ set(theirs) == set()
