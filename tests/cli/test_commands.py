"""The command line: tokens, migrations, verifying, and an exit code that says which kind of trouble it was."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fundledger.access.tokens import Tokens
from fundledger.cli import logs
from fundledger.cli.commands import main
from fundledger.cli.places import without_password
from fundledger.db.database import Database as ServiceDatabase
from fundledger.errors import FundledgerError, problem
from tests.builders import DISTRICT, World
from tests.databases import Database

SECRET = "999999" + "194910015555"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(db: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run a command against the test's database: exit code, standard output, standard error."""
    for name, url in (("", db.service_url), ("OWNER_", db.owner_url), ("READER_", db.reader_url)):
        monkeypatch.setenv(f"FUNDLEDGER_{name}DATABASE_URL", url)
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(tmp_path))

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fundledger", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return call


ISSUE = (
    "token",
    "issue",
    "--book",
    DISTRICT,
    "--kind",
    "finance",
    "--unit",
    "区财政局",
    "--name",
    "张三",
    "--duty",
    "maker",
)


async def caller_of(db: Database, token: str) -> str:
    database = ServiceDatabase(db.service_url, pool_size=1)
    try:
        return (await Tokens(database).caller(token)).name
    finally:
        await database.dispose()


def test_a_token_is_issued_once_listed_without_itself_and_revoked_by_its_id(run: Run) -> None:
    code, token, _ = run(*ISSUE)
    assert (code, token[:3]) == (0, "fl_")
    again = run(*ISSUE)[1]
    assert again != token
    code, listed, _ = run("token", "list", "--book", DISTRICT)
    assert listed.count("张三") == 2
    assert token.strip() not in listed
    identity = next(line.split("│")[1].strip() for line in listed.splitlines() if "张三" in line)
    assert run("token", "revoke", identity, "--reason", "离职")[0] == 0
    assert run("token", "revoke", identity, "--reason", "离职")[0] == 3
    assert run("token", "revoke", "zz", "--reason", "x")[0] == 3


def test_one_person_stays_one_person_until_the_duties_change(run: Run, world: World) -> None:
    run(*ISSUE)
    run(*ISSUE)
    run(*ISSUE, "--duty", "approver")
    assert run("token", "list")[1].count("张三") == 3


async def test_an_issued_token_works_until_it_is_revoked(run: Run, db: Database, world: World) -> None:
    assert await caller_of(db, world.tokens["auditor"]) == "auditor"


def test_migrating_twice_does_nothing_the_second_time(run: Run) -> None:
    assert run("migrate") == run("migrate")


def test_verify_says_what_it_checked_and_its_exit_code_is_the_verdict(run: Run) -> None:
    code, out, _ = run("verify", "--database", "--json")
    report = json.loads(out)
    assert (code, report["sound"]) == (0, True)
    code, out, _ = run("verify", "--database")
    assert code == 0
    assert out.count("ok   ") == len(report["checks"])
    assert run("verify")[0] == 2


def test_exit_codes_tell_the_families_apart(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("token", "issue")[0] == 2
    assert run("import", "divisions", tmp_path / "missing.csv", "--source", "x")[0] == 4
    monkeypatch.setenv("FUNDLEDGER_TOKEN", "fl_wrong")
    (tmp_path / "h.csv").write_text("x\n")
    assert run("import", "households", tmp_path / "h.csv", "--book", DISTRICT, "--key", "k")[0] == 3
    monkeypatch.delenv("FUNDLEDGER_OWNER_DATABASE_URL")
    code, _, err = run("token", "list")
    assert code == 2
    assert "FUNDLEDGER_OWNER_DATABASE_URL" in err
    monkeypatch.setenv("FUNDLEDGER_PORT", "eighty")
    code, _, err = run("verify", "--database")
    assert code == 2
    assert "FUNDLEDGER_PORT" in err
    assert "eighty" not in err


def test_a_bug_is_70_and_shows_no_values(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(url: str, trust: object, told: object) -> None:
        raise LookupError(SECRET)

    monkeypatch.setattr("fundledger.sealing.verify.verify_database", broken)
    code, out, err = run("verify", "--database")
    assert code == 70
    assert "LookupError" in err
    assert SECRET not in out + err


def test_a_database_that_is_away_is_a_sentence_and_not_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUNDLEDGER_READER_DATABASE_URL", "postgresql://fundledger_reader:x@127.0.0.1:1/none")
    code, _, err = run("verify", "--database")
    assert code == 69
    assert "Traceback" not in err

    assert "machine-refuses" in err


def test_what_the_command_line_got_wrong_is_said_in_both_languages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (("--kind", "police"), ("--duty", "boss")):
        code, out, err = run(*ISSUE, *wrong)
        assert (code, out) == (2, "")
        assert "单位种类" in err
        assert "person-malformed" in err
    monkeypatch.setenv("FUNDLEDGER_READER_DATABASE_URL", "http://example")
    code, _, err = run("verify", "--database")
    assert (code, "setting-malformed" in err, "DATABASE_URL" in err, "环境变量" in err) == (2, True, True, True)


def test_a_data_folder_that_can_not_be_used_is_told_in_both_languages(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("", "OWNER_", "READER_"):
        monkeypatch.delenv(f"FUNDLEDGER_{name}DATABASE_URL")
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("FUNDLEDGER_DATA_DIR", str(tmp_path / "file"))
    code, _, err = run("token", "list")
    assert code == 69
    assert "内置数据库无法使用" in err
    assert "embedded-not-usable" in err


def test_an_option_that_would_be_passed_over_is_refused(run: Run, tmp_path: Path) -> None:
    bundle, proof, other = tmp_path / "all.zip", tmp_path / "line.json", tmp_path / "other"
    bundle.write_bytes(b"PK")
    proof.write_text("{}", encoding="utf-8")
    other.write_text("", encoding="utf-8")
    for what, option in (
        ("--database", "--checkpoint"), ("--database", "--leaf"), (bundle, "--leaf"), (proof, "--checkpoint"),
    ):  # fmt: skip
        code, out, err = run("verify", what, option, other)
        assert (code, out) == (2, "")
        assert "verify-option-unused" in err
        assert option in err
    for options in (
        (),
        ("http://x", "--proof", proof),
        ("--leaf", other),
        ("http://x", "--proof", proof, "--leaf", other),
    ):
        code, _, err = run("witness", "check", other, *options)
        assert (code, "witness-check-needs-a-source" in err) == (2, True), err


@pytest.mark.parametrize("role", ["owner_url", "superuser_url"])
def test_serving_as_a_powerful_role_is_refused(
    run: Run, db: Database, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    monkeypatch.setenv("FUNDLEDGER_DATABASE_URL", getattr(db, role))
    monkeypatch.setenv("FUNDLEDGER_PORT", "0")
    code, _, err = run("serve")
    assert code == 3
    assert "role-too-powerful" in err


def test_divisions_are_imported_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(
        "code,name,level,parent_code\n420117,新洲区,district,420100\n420117001,邾城街道,township,420117\n"
        "420117001200,甲村,village,420117001\n"
    )
    assert run("import", "divisions", file, "--source", "test")[:2] == (0, "added 3\n")
    assert run("import", "divisions", file, "--source", "test")[:2] == (0, "added 0\n")
    file.write_text(file.read_text().replace("甲村", "乙村"))
    code, _, err = run("import", "divisions", file, "--source", "test")
    assert code != 0
    assert "line 4" in err


def test_a_log_line_about_an_error_has_its_place_and_type_but_no_values() -> None:
    def fail() -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error

    with pytest.raises(ValueError, match=SECRET) as raised:
        fail()
    error = raised.value
    record = logging.LogRecord("fundledger", logging.ERROR, "", 0, "failed", None, (type(error), error, None))
    text = logs.SafeFormatter(logs.FORMAT).format(record)
    assert "KeyError" in text
    assert "ValueError" in text
    assert "in fail" in text
    assert SECRET not in text


def test_a_shown_url_has_no_password() -> None:
    assert without_password("postgresql://a:p%40ss@h:5/d") == "postgresql://a@h:5/d"


def test_every_code_of_the_command_line_has_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    from fundledger.catalogue.operation import ROWS
    from fundledger.cli.commands import tell

    for row in ROWS:
        error = problem(
            row.code,
            variable="V",
            address="a",
            part="p",
            file="f",
            what="w",
            reason="r",
            setting="S",
            id="i",
            option="o",
        )
        assert isinstance(error, FundledgerError)
        assert tell(error) > 1
        assert "{" not in capsys.readouterr().err
