"""History changed by the database's superuser after it was sealed: the record is named, or the two checkpoints."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from fundledger.sealing.checkpoint import Checkpoint
from fundledger.sealing.records import Accounts, Ref, leaves
from fundledger.sealing.tree import frontier
from fundledger.verifier.report import Report
from tests.verifier.making import Log
from tests.verifier.test_forged import CONTRACT, HOUSEHOLDS, OF_CONTRACT

LEAF_OF = "(SELECT position FROM log_leaf WHERE kind = 'entry' AND record_id = {entry})"


def told(report: Report) -> str:
    return json.dumps(report.as_json(), ensure_ascii=False)


async def named(log: Log, entry: str) -> str:
    assert log.superuser is not None
    return str(await log.superuser.fetchval(f"SELECT {entry}"))


FAR = 1_000_000
"""Beyond any position here: renumbering goes there and back, so that no two leaves meet on the way."""


async def test_an_amount_changed(own_log: Log) -> None:
    await own_log.seal()
    entry = await named(own_log, HOUSEHOLDS)
    await own_log.meddle(f"""UPDATE transfer SET amount = amount + 100, debit_after = debit_after + 100, credit_after = credit_after + 100
        WHERE entry_id = '{entry}' AND line_no = 2""")
    report = own_log.verify(await own_log.export())
    assert report.exit_code == 1
    assert report.outcomes["lines-in-their-entry"].first is not None
    assert report.outcomes["lines-in-their-entry"].first["id"] == entry, told(report)
    assert report.first is not None
    assert report.first[1]["id"] == entry


async def test_two_payees_swapped(own_log: Log) -> None:
    await own_log.seal()
    entry = await named(own_log, HOUSEHOLDS)
    swap = "payee_id = o.payee_id FROM {table} o WHERE t.{key} AND o.{key} AND t.line_no <= 2 AND o.line_no = 3 - t.line_no"
    await own_log.meddle("UPDATE transfer t SET " + swap.format(table="transfer", key=f"entry_id = '{entry}'"))
    report = own_log.verify(await own_log.export())
    assert report.first is not None
    assert report.first[1]["id"] == entry, told(report)
    assert report.state("lines-in-their-entry") == report.state("posted-as-approved") == "fault"


async def test_an_entry_deleted(own_log: Log) -> None:
    await own_log.seal()
    entry = await named(own_log, CONTRACT)
    await own_log.meddle(
        f"DELETE FROM transfer WHERE entry_id = '{entry}'", f"DELETE FROM entry WHERE entry_id = '{entry}'"
    )
    report = own_log.verify(await own_log.export())
    assert report.exit_code == 1
    assert report.outcomes["records-are-there"].first is not None
    assert report.outcomes["records-are-there"].first["id"] == entry, told(report)


async def test_a_header_changed(own_log: Log) -> None:
    await own_log.seal()
    entry = await named(own_log, CONTRACT)
    await own_log.meddle(f"UPDATE entry SET officer_id = gen_random_uuid() WHERE entry_id = '{entry}'")
    report = own_log.verify(await own_log.export())
    assert report.outcomes["leaves-are-their-hashes"].first is not None
    assert report.outcomes["leaves-are-their-hashes"].first["id"] == entry, told(report)


async def test_an_entry_deleted_with_its_position(own_log: Log) -> None:
    """The log closed over the gap: the checkpoint's size has no leaf, and every hash behind it moved."""
    await own_log.seal()
    entry = await named(own_log, CONTRACT)
    place = await named(own_log, LEAF_OF.format(entry=f"'{entry}'"))
    await own_log.meddle(
        f"DELETE FROM transfer WHERE entry_id = '{entry}'", f"DELETE FROM entry WHERE entry_id = '{entry}'",
        f"DELETE FROM log_leaf WHERE position = {place}",
        f"UPDATE log_leaf SET position = position + {FAR} WHERE position > {place}",
        f"UPDATE log_leaf SET position = position - {FAR} - 1 WHERE position > {FAR}",
    )  # fmt: skip
    report = own_log.verify(await own_log.export())
    assert report.exit_code == 1
    assert report.state("leaves-in-the-log") == "fault", told(report)


async def test_the_log_truncated(own_log: Log) -> None:
    await own_log.seal()
    await own_log.meddle("DELETE FROM log_leaf WHERE position > (SELECT max(position) - 3 FROM log_leaf)")
    report = own_log.verify(await own_log.export())
    assert report.state("leaves-in-the-log") == "fault", told(report)


async def rebuild(log: Log) -> None:
    """What the bureau's own administrator could do: everything made again from the records, and signed with the log's key."""
    superuser = log.superuser
    assert superuser is not None
    rows = await superuser.fetch("SELECT * FROM log_leaf ORDER BY position")
    refs = [Ref(row["book"], row["kind"], row["record_id"], row["version"]) for row in rows]
    made = await leaves(superuser, refs, Accounts())
    for row, one in zip(rows, made, strict=True):
        await superuser.execute(
            "UPDATE log_leaf SET leaf_hash = $2, lines_root = $3 WHERE position = $1",
            row["position"],
            one.leaf_hash,
            one.lines_root,
        )
    for table in ("log_node", "log_line_node", "log_checkpoint", "log_cosignature"):
        await superuser.execute(f"DELETE FROM {table}")
    await superuser.execute("SELECT log_add_nodes(0, $1)", len(rows))
    root = (await frontier(superuser, len(rows))).root()
    note = log.ring.sign_checkpoint(Checkpoint(log.ring.origin, len(rows), root).text, datetime.now(UTC))
    await superuser.execute("INSERT INTO log_checkpoint VALUES ($1, $2, $3, now())", len(rows), root, note)


async def amount(log: Log) -> None:
    """An amount less, and every total behind it moved."""
    await log.meddle(f"""ALTER TABLE transfer DROP CONSTRAINT transfer_totals; UPDATE transfer SET amount = amount - 1
        WHERE entry_id = {HOUSEHOLDS} AND line_no = 1""")


async def less(log: Log) -> None:
    """The newest records are gone."""
    await log.meddle("DELETE FROM log_leaf WHERE position > (SELECT max(position) - 5 FROM log_leaf)")


async def more(log: Log) -> None:
    """An approval of long ago that nobody gave."""
    await log.meddle(
        f"UPDATE log_leaf SET position = position + {FAR} WHERE position > 20",
        f"UPDATE log_leaf SET position = position - {FAR} + 1 WHERE position > {FAR}",
        f"""INSERT INTO approval (book, approval_id, instruction_id, content_sha256, approver_id, order_no, approved_at)
            SELECT book, gen_random_uuid(), gen_random_uuid(), content_sha256, approver_id, 0, approved_at FROM approval
            WHERE instruction_id = {OF_CONTRACT}""",
        """INSERT INTO log_leaf (position, book, kind, record_id, version, leaf_hash, appended_at)
            SELECT 21, book, 'approval', approval_id, 1, sha256(''), now() FROM approval WHERE order_no = 0""",
    )  # fmt: skip


async def restored(log: Log) -> None:
    """An old backup: the log as it was some records ago, going on differently."""
    await log.meddle("""WITH gone AS (DELETE FROM log_leaf WHERE position > (SELECT max(position) - 4 FROM log_leaf) RETURNING *),
        turned AS (SELECT *, row_number() OVER (ORDER BY position DESC) AS n, min(position) OVER () AS first FROM gone)
        INSERT INTO log_queue (order_no, book, kind, record_id, version) SELECT n, book, kind, record_id, version FROM turned""")
    await log.meddle("DELETE FROM log_checkpoint", "DELETE FROM log_node",
                     "SELECT log_add_nodes(0, (SELECT count(*) FROM log_leaf))")  # fmt: skip
    (log.folder / "log-head").unlink()
    await log.seal()


@pytest.mark.parametrize("change", [amount, less, more, restored])
async def test_history_rebuilt_and_signed_again(own_log: Log, change: Callable[[Log], Awaitable[None]]) -> None:
    """Consistent in itself, under the log's own key: found by the checkpoint that somebody kept, which is shown beside the new one."""
    seen = await own_log.seal()
    await change(own_log)
    if change is not restored:
        await rebuild(own_log)
    path = await own_log.export()
    report = own_log.verify(path, older=seen)
    assert report.exit_code == 1
    place = report.outcomes["consistent-with-older"].first
    assert place is not None, told(report)
    assert place["older"] in seen
    assert place["checkpoint"].startswith(own_log.ring.origin)
    if change is less:
        assert "truncated" in place["reason"]
    assert own_log.verify(path).state("checkpoint-signed") == "ok"
