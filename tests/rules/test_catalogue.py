"""The catalogue: complete in both languages, one row per code, and rendering never fails for want of a parameter."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import fundledger
from fundledger.catalogue import CATALOGUE, merge, render
from fundledger.catalogue.input import ROWS
from fundledger.errors import Problem

SOURCE = Path(fundledger.__file__).parent
PLACEHOLDER = re.compile(r"\{(\w+)\}")
INPUT_MODULES = ["money.py", "registry/identity.py", "files/csv_rows.py"]


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.code)
def test_a_row_is_complete_in_both_languages(row: Problem) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row.code)
    for name in ("rule", "title_zh", "title_en", "detail_zh", "detail_en"):
        assert getattr(row, name).strip(), name
    assert bool(row.mend_zh) == bool(row.mend_en)
    for name in ("title", "detail", "mend"):
        chinese, english = getattr(row, f"{name}_zh"), getattr(row, f"{name}_en")
        assert set(PLACEHOLDER.findall(chinese)) == set(PLACEHOLDER.findall(english)), name


@pytest.mark.parametrize("row", CATALOGUE.values(), ids=lambda row: row.code)
def test_chinese_texts_use_chinese_punctuation(row: Problem) -> None:
    chinese = "".join(getattr(row, field.name) for field in fields(row) if field.name.endswith("_zh"))
    assert not re.search(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]", chinese)


def test_every_code_of_the_input_modules_is_in_the_catalogue_and_the_other_way_round() -> None:
    source = "".join((SOURCE / name).read_text(encoding="utf-8") for name in INPUT_MODULES)
    raised = set(re.findall(r'(?:problem|Fault)\(\s*"([a-z-]+)"', source))
    assert raised == {row.code for row in ROWS}


def test_two_rows_with_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match=ROWS[0].code):
        merge([ROWS, ROWS[:1]])


def test_a_text_is_filled_in_both_languages() -> None:
    assert render("amount-too-large", {"maximum": "5.00"}, "zh")[:2] == ("金额过大", "单笔金额不得超过 5.00 元。")
    assert render("amount-too-large", {"maximum": "5.00"}, "en")[1] == "One amount is at most 5.00 yuan."


def test_a_missing_parameter_leaves_its_placeholder_and_a_surplus_one_is_ignored() -> None:
    assert "{maximum}" in render("amount-too-large", {"other": 1}, "en")[1]


def test_a_parameter_is_never_taken_for_a_template() -> None:
    assert "{maximum}" in render("csv-unknown-column", {"column": "{maximum}", "maximum": 1}, "en")[1]


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [(["a", "b"], "a、b", "a, b"), (True, "是", "yes"), (False, "否", "no"), (None, "无", "none"), (1, "1", "1")],
)
def test_parameters_read_as_people_write(value: str, chinese: str, english: str) -> None:
    assert f"“{chinese}”" in render("csv-unknown-column", {"column": value}, "zh")[1]
    assert f'"{english}"' in render("csv-unknown-column", {"column": value}, "en")[1]


def test_an_unknown_code_is_an_error_of_the_program() -> None:
    with pytest.raises(KeyError):
        render("no-such-code", {}, "en")
