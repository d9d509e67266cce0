"""What the service's and the reader's roles try with plain SQL, past every function: all of it is refused, nothing moves.

The tables and functions come from the catalogue, so that a new one is attacked too; what is allowed is written by hand.
"""

from __future__ import annotations

import asyncpg
import pytest

from fundledger.db.connection import Connection
from tests.book.test_soundness import money_down_and_back
from tests.builders import World
from tests.soundness import assert_book_sound

MUTABLE = {"account_balance", "account_day", "refusal_count", "claim_window", "log_queue", "alembic_version"}
"""Derived rows (and Alembic's own); every other table is append-only."""

DENIED = (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)

MAY_INSERT = {
    "division", "village_list", "village_list_version", "registry_import", "household", "person", "organisation", "officer_term",
    "registry_status", "roster_member", "payee_account", "payee_account_confirmation", "organisation_flag", "project", "procurement", "acceptance", "declared_figure", "evidence", "instruction", "instruction_leg",
    "bid", "contract_change", "contract_change_review", "reimbursement_claim", "claim_voucher", "claim_review", "release_settlement", "release_settlement_approval",
    "payment_list", "payment_line", "payment_line_private", "bank_result", "bank_file", "preview_line", "rejection", "idempotency",
    "parameter_proposal", "erasure_proposal", "erasure_proposal_line",
    "log_cosignature",
    "export_record", "export_part", "export_outcome",
    "notice_objection",
    "project_evaluation",
    "project_evaluation_indicator",
    "project_financing",
    "project_indicator",
    "project_objection",
}  # fmt: skip
"""Records of the outer world and drafts: what a maker says, before anybody approved it."""

MAY_CALL = {
    "gate_post", "gate_approve", "gate_close_period", "payment_faults", "instruction_digest", "record_refusal", "publish_notice",
    "log_append", "log_sign", "log_ties", "parameter_value", "shanghai_today", "notice_days", "account_key", "undone_before_lot", "payment_line_stands",
    "refresh_statistics", "notice_workdays", "workdays_between", "objection_stands", "annual_plan_id", "notice_amounts",
    "notice_standing", "project_levels",
    "contract_paid", "contract_sum", "live_procurements", "merged_estimate", "claim_paid", "accepted_percent",
    "finally_accepted_on",
    "gate_close_year", "surplus_on", "payee_account_hash", "preview_faults",
    "approve_parameter", "reject_parameter", "parameter_digest", "officer_lock_key",
    "approve_erasure", "reject_erasure", "erasure_digest", "erasure_faults", "erasure_lines", "erasure_scope", "last_moved_on",
}  # fmt: skip
WRITES = {
    "gate_post",
    "gate_approve",
    "gate_close_period",
    "gate_close_year",
    "record_refusal",
    "publish_notice",
    "log_append",
    "log_sign",
    "refresh_statistics",
    "approve_parameter",
    "reject_parameter",
    "officer_lock_key",
    "approve_erasure",
    "reject_erasure",
}
"""Of those, the ones the reader must not call."""

COMPARED = {("anomaly_paid_twice", "person", "identity_hash")}
"""Views that compare a hidden column and do not show it."""

DDL = (
    "ALTER TABLE transfer DISABLE TRIGGER ALL", "ALTER TABLE entry DISABLE TRIGGER USER", "DROP TRIGGER entry_append_only ON entry",
    "SET session_replication_role = replica", "SET SESSION session_replication_role = 'local'",
    "SET ROLE fundledger_owner", "SET SESSION AUTHORIZATION fundledger_owner", "GRANT fundledger_owner TO CURRENT_USER",
    "DROP TABLE transfer", "ALTER TABLE transfer DROP CONSTRAINT transfer_totals", "ALTER TABLE transfer OWNER TO CURRENT_USER",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER FUNCTION gate_refuse(jsonb) SECURITY DEFINER", "ALTER FUNCTION shanghai_today() SET search_path = pg_temp",
    "CREATE RULE quiet AS ON INSERT TO refusal DO INSTEAD NOTHING", "CREATE VIEW mine AS SELECT 1", "CREATE TABLE mine (n integer)",
    "CREATE TEMPORARY TABLE staff (n integer)", "CREATE SCHEMA mine", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink", "ALTER ROLE CURRENT_USER SUPERUSER", "ALTER SYSTEM SET fsync = off",
    "COPY (SELECT 1) TO PROGRAM 'true'", "COPY entry FROM '/etc/passwd'", "SELECT pg_read_file('/etc/passwd')",
    "SELECT nextval('record_order')", "SELECT setval('record_order', 1)",
    "DO 'BEGIN LOCK TABLE transfer IN ACCESS EXCLUSIVE MODE; END'", "SELECT 1 FROM account_balance FOR UPDATE", "SELECT 1 FROM period FOR SHARE",
    "UPDATE pg_class SET relhastriggers = false", "DELETE FROM pg_trigger", "REINDEX TABLE transfer", "CLUSTER transfer",
)  # fmt: skip


async def tables_of(connection: Connection) -> dict[str, str]:
    """Every table, with its first column."""
    rows = await connection.fetch(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
           WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"""
    )
    return {row["relname"]: row["attname"] for row in rows}


def changes(table: str, column: str) -> tuple[str, ...]:
    """Every way to change or remove what stands in a table."""
    return (
        f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE",
        f"MERGE INTO {table} t USING (SELECT 1 AS n) s ON true WHEN MATCHED THEN DELETE",
        f"WITH gone AS (DELETE FROM {table} RETURNING 1) SELECT count(*) FROM gone",
    )  # fmt: skip


@pytest.mark.parametrize("role", ["service", "reader"])
async def test_a_role_changes_and_removes_nothing_in_any_table(role: str, world: World, reader: Connection) -> None:
    await money_down_and_back(world)
    connection = world.service if role == "service" else reader
    await connection.execute("SET default_transaction_read_only = off")
    for table, column in (await tables_of(world.owner)).items():
        for statement in changes(table, column):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    await assert_book_sound(world.service)


async def test_even_the_owner_and_a_superuser_change_no_record_by_mistake(world: World, superuser: Connection) -> None:
    await money_down_and_back(world)
    filled = 0
    for connection in (world.owner, superuser):
        for table, column in (await tables_of(connection)).items():
            if table in MUTABLE:
                continue
            if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})"):
                filled += 1
                for statement in changes(table, column)[:2]:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                        await connection.execute(statement)
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await connection.execute(f"TRUNCATE {table} CASCADE")
    assert filled > 60
    await assert_book_sound(world.service)


async def test_the_service_inserts_into_the_tables_of_the_outer_world_only(world: World) -> None:
    for table in await tables_of(world.owner):
        assert (await may_insert(world.service, table)) == (table in MAY_INSERT), table
        if table not in MAY_INSERT:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await world.service.execute(f"INSERT INTO {table} DEFAULT VALUES")


async def test_the_reader_inserts_nowhere(owner: Connection, reader: Connection) -> None:
    await reader.execute("SET default_transaction_read_only = off")
    for table in await tables_of(owner):
        assert not await may_insert(reader, table), table
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(f"INSERT INTO {table} DEFAULT VALUES")


async def may_insert(connection: Connection, table: str) -> bool:
    """Whether the connection's role may insert into a table, or into a column of it."""
    return bool(await connection.fetchval("SELECT has_any_column_privilege($1, 'INSERT')", table))


async def test_no_insert_becomes_an_update_on_conflict(world: World) -> None:
    await money_down_and_back(world)
    for statement in (
        "INSERT INTO instruction SELECT * FROM instruction ON CONFLICT (book, instruction_id) DO UPDATE SET summary = 'mine'",
        "INSERT INTO idempotency SELECT * FROM idempotency ON CONFLICT (book, unit_id, key) DO UPDATE SET record_id = NULL",
        "INSERT INTO payment_line SELECT * FROM payment_line ON CONFLICT (book, instruction_id, line_no) DO UPDATE SET amount = 1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.service.execute(statement)


@pytest.mark.parametrize("statement", DDL)
async def test_neither_role_gets_round_the_triggers_and_grants(
    statement: str, service: Connection, reader: Connection
) -> None:
    for connection in (service, reader):
        await connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute(statement)
        # 42501 is "insufficient privilege"; the rest says that it can't be done at all, by anybody in this place.
        assert caught.value.sqlstate in {"42501", "25001", "0A000"}, (statement, caught.value)


async def test_every_private_function_refuses_both_roles(
    service: Connection, reader: Connection, owner: Connection
) -> None:
    rows = await owner.fetch(
        """SELECT p.oid, p.proname AS name, p.oid::regprocedure::text AS signature, p.prorettype = 'trigger'::regtype AS is_trigger,
                  p.prosecdef OR p.proname LIKE 'gate%' OR p.provolatile = 'v' AS is_dangerous,
                  ARRAY(SELECT format('NULL::%s', format_type(t, NULL)) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n)
                        ORDER BY n) AS nulls
           FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1"""
    )
    assert len(rows) > 40
    for connection, allowed in ((service, MAY_CALL), (reader, MAY_CALL - WRITES)):
        for row in rows:
            granted = await connection.fetchval("SELECT has_function_privilege($1::oid, 'EXECUTE')", row["oid"])
            # What reads with the caller's own rights may be granted to anybody.
            assert not granted or row["name"] in allowed or not row["is_dangerous"], row["signature"]
            if granted or row["is_trigger"]:
                continue
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT {row['name']}({', '.join(row['nulls'])})")


async def test_the_reader_sees_no_secret_and_no_sealed_number(world: World, reader: Connection) -> None:
    await money_down_and_back(world)
    for query in (
        "SELECT * FROM token", "SELECT * FROM token_revocation", "SELECT * FROM idempotency", "SELECT * FROM payment_line_private",
        "SELECT * FROM person", "SELECT sealed FROM person", "SELECT identity_hash FROM person", "SELECT name_hash FROM person",
        "SELECT p FROM person p", "SELECT to_jsonb(p) FROM person p", "SELECT account_sealed FROM organisation",
        "SELECT count(*) FROM person WHERE identity_hash > ''", "SELECT 1 FROM person ORDER BY sealed",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch(query)
    assert await reader.fetchval("SELECT count(person_id) FROM person") == 3


async def test_no_view_shows_the_reader_what_its_table_hides(owner: Connection) -> None:
    # A view reads with its owner's rights, so a column it mentions is a column it can show.
    rows = await owner.fetch(
        """SELECT DISTINCT v.relname AS view, t.relname AS secret, a.attname AS column FROM pg_depend d
           JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
           JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
           JOIN pg_class t ON t.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass AND t.relkind = 'r'
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
           WHERE v.relnamespace = 'public'::regnamespace AND has_table_privilege('fundledger_reader', v.oid, 'SELECT')
             AND NOT has_column_privilege('fundledger_reader', t.oid, a.attnum, 'SELECT')"""
    )
    assert {tuple(row) for row in rows} <= COMPARED


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("registry_status", "subject_id, valid_from, version, status"),
        ("roster_member", "programme_code, payee_id, valid_from, version, action"),
    ],
)
async def test_a_change_of_the_registry_cannot_be_dated_before_an_approval(table: str, key: str, world: World) -> None:
    # Paying looks at the lines again when a row has a transaction id beyond the approval's: an own id would hide it.
    await world.persons(1)
    columns = f"book, {key}, document_no, recorded_by"
    later = columns.replace("version", "version + 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.service.execute(f"INSERT INTO {table} ({columns}, xid) SELECT {later}, '1'::xid8 FROM {table}")
    await world.service.execute(f"INSERT INTO {table} ({columns}) SELECT {later} FROM {table}")
