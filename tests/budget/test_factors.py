"""The factor method by itself: exact, to the fen, recomputable (M05). No database."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fundledger.budget.computations import recompute
from fundledger.budget.factors import Factor, shares, split
from fundledger.errors import FundledgerError
from fundledger.sealing.canonical import canonical

THREE = {420112: "1", 420114: "1", 420117: "1"}


def factor(
    weight: str = "1", direction: Any = "share", values: dict[int, str] | None = None, code: str = "poor"
) -> Factor:
    return Factor(code, "贫困人口", weight, direction, values or THREE)


def test_equal_parts_give_the_odd_fen_to_the_lower_codes() -> None:
    assert split(100, [factor()]) == {420112: 34, 420114: 33, 420117: 33}


def test_hubei_2004_weights_split_as_computed_by_hand() -> None:
    # N = M × (A·50% + B·50%), A in shares 1:3, B in gaps: the average of 10 and 30 is 20, so only the first has a gap.
    parts = shares([
        factor("5/10", values={420112: "1", 420114: "3"}),
        factor("0.5", "gap", {420112: "10", 420114: "30"}, "income"),
    ])  # fmt: skip
    assert parts == {420112: Fraction(5, 8), 420114: Fraction(3, 8)}


def test_thirds_are_exact() -> None:
    factors = [factor("1/3", code=code) for code in ("a", "b", "c")]
    assert sum(shares(factors).values()) == 1
    assert sum(split(10**13, factors).values()) == 10**13


@pytest.mark.parametrize(
    ("factors", "codes"),
    [
        ([factor("0.3"), factor("0.6")], {"weights-not-one"}),
        ([factor("1"), factor("0")], {"weight-malformed"}),
        ([factor("1/0")], {"weight-malformed"}),
        ([factor("0.5"), factor("0.5", values={420112: "1"})], {"factor-districts-differ"}),
        ([factor(values={420112: "0", 420114: "0"})], {"factor-sum-zero"}),
        ([factor(direction="gap")], {"factor-sum-zero"}),
        ([factor("0.5"), factor("0.6", "gap")], {"weights-not-one", "factor-sum-zero"}),
    ],
)
def test_unusable_factors_are_refused_all_at_once(factors: list[Factor], codes: set[str]) -> None:
    with pytest.raises(FundledgerError) as refusal:
        shares(factors)
    assert {fault.code for fault in refusal.value.faults} == codes
    assert all(fault.pointer is not None and fault.pointer.startswith("/factors") for fault in refusal.value.faults)


decimals = st.decimals(min_value=0, max_value=10**9, places=3).map(str)


@settings(max_examples=200)
@given(
    total=st.integers(min_value=1, max_value=10**13),
    weights=st.lists(st.integers(min_value=1, max_value=50), min_size=1, max_size=5),
    rows=st.lists(st.tuples(decimals, decimals, decimals), min_size=5, max_size=5),
    gaps=st.lists(st.booleans(), min_size=5, max_size=5),
)
def test_any_split_adds_up_and_is_within_a_fen_of_its_exact_share(
    total: int, weights: list[int], rows: list[tuple[str, str, str]], gaps: list[bool]
) -> None:
    whole = sum(weights)
    factors = [
        factor(f"{weight}/{whole}", "gap" if gap else "share", dict(zip(THREE, row, strict=True)), f"f{at}")
        for at, (weight, row, gap) in enumerate(zip(weights, rows, gaps, strict=False))
    ]
    try:
        parts = shares(factors)
    except FundledgerError as refusal:
        assert {fault.code for fault in refusal.faults} == {"factor-sum-zero"}  # noqa: PT017
        return
    amounts = split(total, factors)
    assert sum(amounts.values()) == total
    assert all(abs(amounts[district] - total * share) < 1 for district, share in parts.items())


def test_stored_inputs_of_another_kind_are_not_recomputable() -> None:
    for inputs in (
        "",
        canonical({"v": 2, "method": "factors"}).decode(),
        canonical({"v": 1, "method": "floor"}).decode(),
    ):
        with pytest.raises(FundledgerError, match="inputs-not-recomputable"):
            recompute(inputs)
