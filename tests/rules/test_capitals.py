"""Amounts in capital characters (大写金额): the examples of the rules for filling in notes, and a reader that takes them back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.money import capital_yuan

DIGITS = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("yuan", "text"),
    [
        ("0.00", "零元整"), ("0.01", "壹分"), ("0.50", "伍角整"), ("0.55", "伍角伍分"), ("1.00", "壹元整"), ("10.00", "壹拾元整"),
        ("15.00", "壹拾伍元整"), ("100.00", "壹佰元整"), ("110.00", "壹佰壹拾元整"), ("101.00", "壹佰零壹元整"),
        ("1001.00", "壹仟零壹元整"), ("1010.00", "壹仟零壹拾元整"), ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"), ("1680.32", "壹仟陆佰捌拾元叁角贰分"), ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"), ("325.04", "叁佰贰拾伍元零肆分"), ("10000.00", "壹万元整"),
        ("10001.00", "壹万零壹元整"), ("100000.00", "壹拾万元整"), ("1000700.00", "壹佰万零柒佰元整"),
        ("54200000.00", "伍仟肆佰贰拾万元整"), ("100000000.00", "壹亿元整"), ("100000700.00", "壹亿零柒佰元整"),
        ("100010000.00", "壹亿零壹万元整"), ("170000000.00", "壹亿柒仟万元整"), ("100000000000.00", "壹仟亿元整"),
        ("1000000000000.00", "壹万亿元整"), ("1200000000001.00", "壹万贰仟亿零壹元整"),
        ("9999999999999999.99", "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)  # fmt: skip
def test_an_amount_in_capitals(yuan: str, text: str) -> None:
    assert capital_yuan(int(yuan.replace(".", ""))) == text


def read(text: str) -> int:
    """Fen of an amount in capitals, by another way than it was written."""
    yuan, point, rest = text.partition("元")
    if not point:
        yuan, rest = "零", text
    fen = whole(yuan) * 100
    for unit, value in (("角", 10), ("分", 1)):
        if unit in rest:
            fen += DIGITS[rest[rest.index(unit) - 1]] * value
    return fen


def whole(text: str) -> int:
    for unit, value in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            high, _, low = text.rpartition(unit) if unit == "亿" else text.partition(unit)
            return whole(high) * value + whole(low)
    total, digit = 0, 0
    for letter in text:
        if letter in PLACES:
            total, digit = total + digit * PLACES[letter], 0
        else:
            digit = DIGITS[letter]
    return total + digit


@given(st.one_of(st.integers(0, 10**18 - 1), st.integers(0, 10**9), st.lists(
    st.sampled_from("00001"), min_size=1, max_size=18).map(lambda digits: int("".join(digits)))))  # fmt: skip
def test_no_two_amounts_look_alike(fen: int) -> None:
    text = capital_yuan(fen)
    assert read(text) == fen
    assert "零零" not in text
    assert "零元" not in text.removeprefix("零元")
    assert text.endswith("整") != text.endswith("分")


@pytest.mark.parametrize("fen", [-1, 10**18])
def test_what_has_no_capitals_is_an_error(fen: int) -> None:
    with pytest.raises(ValueError, match="capitals"):
        capital_yuan(fen)
