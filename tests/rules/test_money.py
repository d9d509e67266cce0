"""Money is read exactly or not at all, and a split adds up to the fen."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundledger.errors import FundledgerError
from fundledger.money import AMOUNT_MAX_FEN, format_yuan, largest_remainder, parse_yuan


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("100000.00", 10_000_000),
        ("12.5", 1_250),
        ("7", 700),
        ("0.01", 1),
        ("0.1", 10),
        ("54200000", 5_420_000_000),
        ("100000000000.00", AMOUNT_MAX_FEN),
    ],
)
def test_plain_decimal_yuan_is_read_as_fen(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (100000, "amount-not-a-string"),
        (12.5, "amount-not-a-string"),
        (True, "amount-not-a-string"),
        (None, "amount-not-a-string"),
        (Decimal("1.00"), "amount-not-a-string"),
        (["1"], "amount-not-a-string"),
        ("", "amount-malformed"),
        (" 1", "amount-malformed"),
        ("1 ", "amount-malformed"),
        ("1\n", "amount-malformed"),
        ("+1", "amount-malformed"),
        ("--1", "amount-malformed"),
        ("-", "amount-malformed"),
        (".5", "amount-malformed"),
        ("5.", "amount-malformed"),
        ("1e3", "amount-malformed"),
        ("1E+3", "amount-malformed"),
        ("1,000.00", "amount-malformed"),
        ("1_000", "amount-malformed"),
        ("007", "amount-malformed"),
        ("１００", "amount-malformed"),
        ("1٫5", "amount-malformed"),
        ("١٢", "amount-malformed"),
        ("100元", "amount-malformed"),
        ("¥100", "amount-malformed"),
        ("NaN", "amount-malformed"),
        ("Infinity", "amount-malformed"),
        ("0x10", "amount-malformed"),
        ("1.000", "amount-too-precise"),
        ("0.001", "amount-too-precise"),
        ("-1.001", "amount-too-precise"),
        ("0", "amount-not-positive"),
        ("0.00", "amount-not-positive"),
        ("-0.00", "amount-not-positive"),
        ("-1.00", "amount-not-positive"),
        ("-" + "9" * 5000, "amount-not-positive"),
        ("100000000000.01", "amount-too-large"),
        ("9" * 5000, "amount-too-large"),
    ],
)
def test_what_is_not_a_plain_positive_amount_is_refused_by_name(text: object, code: str) -> None:
    with pytest.raises(FundledgerError) as refusal:
        parse_yuan(text)
    assert refusal.value.code == code


def test_a_refusal_of_a_large_amount_names_the_limit_in_yuan() -> None:
    with pytest.raises(FundledgerError) as refusal:
        parse_yuan("999999999999")
    assert refusal.value.params == {"maximum": "100000000000.00"}


@pytest.mark.parametrize(
    ("fen", "text"), [(10_000_000, "100000.00"), (0, "0.00"), (1, "0.01"), (-1, "-0.01"), (-12_345, "-123.45")]
)
def test_fen_are_written_with_two_decimals(fen: int, text: str) -> None:
    assert format_yuan(fen) == text


@given(st.integers(1, AMOUNT_MAX_FEN))
def test_what_is_written_is_read_back(fen: int) -> None:
    assert parse_yuan(format_yuan(fen)) == fen


@given(st.text())
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        fen = parse_yuan(text)
    except FundledgerError:
        return
    assert Decimal(text) * 100 == fen


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (1, [1, 1], [1, 0]),
        (10, [0, 1, 0], [0, 10, 0]),
        (2, [0, 1, 1, 1], [0, 1, 1, 0]),
        (0, [3, 4], [0, 0]),
        (10, [Fraction(1, 3), Fraction(2, 3)], [3, 7]),
        (5, [Fraction(1, 2), 1], [2, 3]),
        (7, [5], [7]),
    ],
)
def test_leftover_fen_go_to_the_largest_remainders_then_to_the_earlier(
    total: int, weights: list[int | Fraction], parts: list[int]
) -> None:
    assert largest_remainder(total, weights) == parts


_WEIGHTS = st.lists(st.one_of(st.integers(0, 10**9), st.fractions(0, 1000, max_denominator=1000)), min_size=1)


@given(st.integers(0, AMOUNT_MAX_FEN), _WEIGHTS.filter(lambda weights: sum(weights) > 0))
def test_a_split_adds_up_and_each_part_is_within_a_fen_of_its_share(total: int, weights: list[int | Fraction]) -> None:
    parts = largest_remainder(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(weight) * total / Fraction(sum(weights))) < 1


@pytest.mark.parametrize(
    ("total", "weights", "error"),
    [
        (-1, [1], ValueError),
        (1, [0, 0], ValueError),
        (1, [], ValueError),
        (1, [2, -1], ValueError),
        (1, [0.5, 0.5], TypeError),
        (1, [Decimal(1)], TypeError),
    ],
)
def test_a_split_without_sound_weights_is_refused(total: int, weights: list[int], error: type[Exception]) -> None:
    with pytest.raises(error):
        largest_remainder(total, weights)
