"""Reading a household file: what is stored, and every fault with its line and column. Pure, no database."""

from __future__ import annotations

from datetime import date

import pytest

from fundledger.registry.household_file import HouseholdFile, read_household_file
from fundledger.registry.persons import masked_person
from fundledger.registry.vault import Vault
from tests.builders import DISTRICT
from tests.registry.files import HEADER, file_of, identity, line, member

VAULT = Vault.from_keys(1, bytes(32), {1: bytes(32)})


def read(data: bytes, max_lines: int = 1000) -> HouseholdFile:
    """The file as the district reads it on 1 March 2019."""
    return read_household_file(data, VAULT, DISTRICT, today=date(2019, 3, 1), max_lines=max_lines)


def faults(data: bytes) -> list[tuple[str, int | None, str | None]]:
    """Code, line and column of each fault."""
    return sorted(
        ((f.code, f.line, f.column) for f in read(data).faults),
        key=lambda found: (found[1] or 0, found[0], found[2] or ""),
    )


def test_lines_of_one_number_are_one_household_also_when_they_stand_apart() -> None:
    file = read(
        file_of(
            line(1), line(2), member(3, 1), member(4, 1, status="死亡", status_on="2018/5/6", document_no="注销1号")
        )
    )
    assert file.faults == []
    one, two = file.households["H000001"], file.households["H000002"]
    assert [person.is_head for person in one.persons] == [True, False, False]
    assert len(two.persons) == 1
    assert one.status is not None
    assert (one.status.status, one.status.valid_from) == ("registered", date(2018, 1, 1))
    own = one.persons[2].own_status
    assert own is not None
    assert (own.status, own.valid_from, own.document_no) == ("deceased", date(2018, 5, 6), "注销1号")


def test_a_person_is_stored_as_hash_and_sealed_text_that_opens_in_its_own_row_only() -> None:
    person = read(file_of(line(1))).households["H000001"].persons[0]
    assert person.identity_hash == VAULT.digest("identity", identity(1))
    assert person.name_hash == VAULT.digest("name", " 张三丰 ")
    assert identity(1).encode() not in person.sealed
    masked = masked_person(VAULT, DISTRICT, person.person_id, person.sealed)
    assert (masked.name, masked.identity_number) == ("张**", f"999999{'*' * 10}{identity(1)[-2:]}")
    assert masked_person(VAULT, DISTRICT - 1, person.person_id, person.sealed).name is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encodings_of_spreadsheets_are_read(encoding: str) -> None:
    file = read(file_of(line(1, name="䶮十三"), line(2, name="张三丰李四"), encoding=encoding))
    assert file.faults == []
    assert file.households["H000001"].persons[0].name_hash == VAULT.digest("name", "䶮十三")


def test_english_headings_and_words_are_read() -> None:
    header = "household_no,village_code,name,identity_number,is_head,card,phone,status,status_on,document_no"
    file = read(file_of(line(1, is_head="yes", status="exited"), header=header))
    assert file.faults == []
    status = file.households["H000001"].status
    assert status is not None
    assert status.status == "exited"


CASES = [
    ([line(1, identity=identity(1)[:-1] + "7")], [("identity-checksum", 2, "身份证号")]),
    ([line(1, identity="4.20102E+17")], [("identity-scientific", 2, "身份证号")]),
    ([line(1, card="6222000000000000000")], [("card-checksum", 2, "银行卡号")]),
    ([line(1, card="", phone="")], []),
    ([line(1, phone="abc")], [("phone-malformed", 2, "手机")]),
    ([line(1, status="脱困")], [("status-unknown", 2, "状态")]),
    ([line(1, status_on="2018-02-30")], [("date-malformed", 2, "状态日期")]),
    ([line(1, status_on="01/02/2018")], [("date-malformed", 2, "状态日期")]),
    ([line(1, status_on="2019-03-02")], [("date-in-future", 2, "状态日期")]),
    ([line(1, is_head="也许")], [("flag-malformed", 2, "户主")]),
    ([line(1, household_no="")], [("cell-empty", 2, "户编号")]),
    ([line(1, document_no="")], [("cell-empty", 2, "文号")]),
    ([line(1, village_code="东西湖")], [("division-code-malformed", 2, "村代码")]),
    ([line(1), line(2, identity=identity(1))], [("identity-repeated", 3, "身份证号")]),
    ([line(1), line(2, household_no="H000001")], [("household-has-head", 3, "户主")]),
    ([member(1, 1)], [("household-without-head", 2, "户主")]),
    ([line(1), member(2, 1, village_code="420117001201")], [("household-village-differs", 3, "村代码")]),
    ([line(1), member(2, 1, status="死亡")], [("cell-empty", 3, "文号"), ("cell-empty", 3, "状态日期")]),
    ([line(1, name="=1+1"), member(2, 1)], [("csv-formula", 2, "姓名")]),
    ([line(1, name="x" * 201)], [("csv-cell-too-long", 2, "姓名")]),
    ([], [("upload-empty", None, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), CASES)
def test_a_fault_has_its_code_line_and_column(
    lines: list[str], expected: list[tuple[str, int | None, str | None]]
) -> None:
    assert faults(file_of(*lines)) == expected


def test_all_faults_of_a_file_come_at_once() -> None:
    data = file_of(line(1, card="1", phone="x"), "", line(2, identity="1"), line(3, status="?", status_on="?"))
    found = [(code, number) for code, number, _ in faults(data)]
    assert found == [("card-malformed", 2), ("phone-malformed", 2), ("identity-malformed", 4),
                     ("date-malformed", 5), ("status-unknown", 5)]  # fmt: skip


def test_more_lines_than_allowed_are_refused() -> None:
    assert "csv-too-many-lines" in {fault.code for fault in read(file_of(line(1), line(2)), max_lines=1).faults}


def test_no_fault_holds_the_content_of_a_cell() -> None:
    secret = identity(5)[:-2] + "79"
    data = file_of(
        line(1, identity=secret, card="6222000000000000000", name="王五", status="?"),
        line(2),
        line(3, identity=identity(2)),
    )
    told = repr(read(data).faults)
    assert not [text for text in (secret, identity(2), "王五", "6222000000000000000", "张三丰") if text in told]


def test_an_unknown_heading_is_refused() -> None:
    found = read(file_of(line(1) + ",x", header=f"{HEADER},备注")).faults
    assert [(fault.code, fault.column) for fault in found] == [("csv-unknown-column", "备注")]
