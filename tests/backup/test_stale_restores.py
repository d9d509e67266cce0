"""An old backup, and a history that was written anew, are noticed after a restore, and can't be served by accident."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from fundledger.cli.keys import signing_keys
from fundledger.cli.places import Place
from fundledger.db.urls import with_database
from fundledger.errors import FundledgerError
from fundledger.sealing.checkpoint import peek
from fundledger.sealing.keys import KeyFile
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from tests.backup.restorable import ORIGIN, Book, Run, restored
from tests.builders import World
from tests.databases import connected
from tests.sealing.test_sequencer import refuse

MORE = 11


@pytest.fixture
def stale(book: Book, run: Run, tmp_path: Path) -> Path:
    """A backup that lacks the MORE newest records of the book."""
    assert run("backup", "--out", tmp_path / "stale")[0] == 0
    book.grow(MORE)
    return tmp_path / "stale"


def refused_to_sign(data: Path) -> str:
    """With which refusal the service would not start on a restored folder."""

    async def start(place: Place, _: str) -> str:
        with pytest.raises(FundledgerError) as caught:
            await signing_keys(place.need_service(), data / "log-keys.json")
        return caught.value.code

    return str(restored(data, start))


def test_a_stale_backup_is_noticed_by_the_witness_s_checkpoint(
    book: Book, run: Run, stale: Path, new: Path, tmp_path: Path
) -> None:
    witness = tmp_path / "witness's checkpoint"
    shutil.copy(book.data / "log-head", witness)
    code, said = run("restore", stale, "--data-dir", new, "--checkpoint", witness)
    assert code == 1
    assert f"STALE: {MORE} records are missing" in said
    assert witness.read_text().strip() in said
    assert said.count(ORIGIN) >= 3, "both checkpoints"
    assert (new / "log-head").read_text() == witness.read_text()
    shutil.copy(book.data / "log-keys.json", new)
    assert refused_to_sign(new) == "log-history-broken"


def test_a_stale_backup_is_noticed_by_the_log_head_beside_the_keys(
    book: Book, run: Run, stale: Path, new: Path
) -> None:
    new.mkdir()
    for name in ("log-keys.json", "log-head"):
        shutil.copy(book.data / name, new)
    code, said = run("restore", stale, "--data-dir", new)
    assert code == 1
    assert f"STALE: {MORE} records are missing that log-head has" in said
    assert refused_to_sign(new) == "log-history-broken"


def test_an_older_log_head_gives_way_to_the_newest_known(
    book: Book, run: Run, stale: Path, new: Path, tmp_path: Path
) -> None:
    new.mkdir()
    shutil.copy(book.data / "log-keys.json", new)
    shutil.copy(book.data / "log-head", new)
    book.grow(1)
    shutil.copy(book.data / "log-head", tmp_path / "newest")
    assert run("restore", stale, "--data-dir", new, "--checkpoint", tmp_path / "newest")[0] == 1
    assert peek((new / "log-head").read_text()).size == book.ask("SELECT max(size) FROM log_checkpoint")


def test_a_current_backup_is_proven_and_goes_on(book: Book, run: Run, new: Path, tmp_path: Path) -> None:
    assert run("backup", "--out", tmp_path / "current", "--with-keys")[0] == 0
    shutil.copy(book.data / "log-head", tmp_path / "head")
    code, said = run("restore", tmp_path / "current", "--data-dir", new, "--checkpoint", tmp_path / "head")
    assert code == 0
    assert "proven to there" in said

    async def seal(place: Place, _: str) -> int:
        found = await signing_keys(place.need_service(), new / "log-keys.json")
        async with connected(place.need_service()) as service, connected(place.need_owner()) as owner:
            await refuse(service, World(service, owner, people=book.people))
            await Sequencer(service, signer=Signer(found)).seal_all()
            return int(await service.fetchval("SELECT max(size) FROM log_checkpoint"))

    assert restored(new, seal) == book.ask("SELECT max(size) FROM log_checkpoint") + 1


def test_a_history_written_anew_with_the_log_s_own_key_is_a_fork(
    book: Book, run: Run, stale: Path, new: Path, tmp_path: Path
) -> None:
    code, said = run("restore", stale, "--data-dir", new)
    assert code == 0, said
    shutil.copy(book.data / "log-keys.json", new)

    async def rewrite(place: Place, superuser: str) -> None:
        async with connected(place.need_service()) as service, connected(place.need_owner()) as owner:
            for _ in range(MORE):
                await refuse(service, World(service, owner, people=book.people))
            await Sequencer(service, signer=Signer(KeyFile(new / "log-keys.json"))).seal_all()

    restored(new, rewrite)
    assert run("backup", "--out", tmp_path / "true", "--with-keys")[0] == 0
    code, said = run("restore", tmp_path / "true", "--data-dir", tmp_path / "again", "--checkpoint", new / "log-head")
    assert code == 1
    assert "FORK" in said
    shutil.rmtree(tmp_path / "again", ignore_errors=True)


def test_a_checkpoint_of_another_log_is_refused_before_anything_is_written(
    run: Run, stale: Path, new: Path, tmp_path: Path
) -> None:
    from fundledger.sealing import keys

    async def foreign() -> str:
        ring = keys.create(tmp_path / "other" / "log-keys.json", ORIGIN)
        from datetime import UTC, datetime

        from fundledger.sealing.checkpoint import Checkpoint

        return ring.sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)).text, datetime.now(UTC))

    (tmp_path / "note").write_text(asyncio.run(foreign()))
    code, said = run("restore", stale, "--data-dir", new, "--checkpoint", tmp_path / "note")
    assert (code, "checkpoint-unusable" in said) == (3, True)
    assert run("restore", stale, "--data-dir", new, "--checkpoint", tmp_path / "none")[0] == 4
    assert not new.exists()


def test_a_fault_in_the_copied_book_is_an_exit_code_of_one(book: Book, run: Run, tmp_path: Path, new: Path) -> None:
    async def tamper(sign: str) -> None:
        url = with_database(book.server.superuser_url, "fundledger")
        async with connected(url) as connection:
            await connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
            await connection.execute(f"UPDATE entry SET total = total {sign} 1 WHERE entry_kind = 'adopt'")
            await connection.execute("ALTER TABLE entry ENABLE TRIGGER USER")

    asyncio.run(tamper("+"))
    try:
        assert run("backup", "--out", tmp_path / "tampered", "--with-keys")[0] == 0
    finally:
        asyncio.run(tamper("-"))
    code, said = run("restore", tmp_path / "tampered", "--data-dir", new)
    assert code == 1
    assert "FAULT entries-add-up" in said
