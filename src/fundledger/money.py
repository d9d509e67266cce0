"""Exact money: every amount inside fundledger is a whole number of fen (分, 1/100 yuan) in a Python int.

This module is the only place where decimal yuan, as people write them, become fen and come back. It guarantees that no
float and no rounding takes part: what cannot be read exactly is refused, and a split adds up to the fen (design 3.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from fundledger.errors import problem

AMOUNT_MAX_FEN = 10**13
"""The largest amount a call may name, in fen: 100,000,000,000.00 yuan."""

_PLAIN_YUAN = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_MAX_DIGITS = len(str(AMOUNT_MAX_FEN))


def parse_yuan(text: object) -> int:
    """Read plain decimal yuan ("100000.00", "12.5", "7") as fen.

    The first fault in this order is raised: `amount-not-a-string` (JSON numbers, booleans, null), `amount-malformed`
    (spaces, plus signs, exponents, thousands separators, full-width digits, leading zeros), `amount-too-precise` (more
    than two decimals, even zeros), `amount-not-positive` (zero or below), `amount-too-large` (above AMOUNT_MAX_FEN).
    """
    if not isinstance(text, str):
        raise problem("amount-not-a-string")
    match = _PLAIN_YUAN.fullmatch(text)
    if match is None:
        raise problem("amount-malformed")
    sign, whole, decimals = match.group(1), match.group(2), match.group(3) or ""
    if len(decimals) > 2:
        raise problem("amount-too-precise")
    if len(whole) > _MAX_DIGITS:
        raise _too_large() if not sign else problem("amount-not-positive")
    fen = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if sign or fen == 0:
        raise problem("amount-not-positive")
    if fen > AMOUNT_MAX_FEN:
        raise _too_large()
    return fen


def format_yuan(fen: int) -> str:
    """Write fen as decimal yuan with exactly two decimals ("100000.00"); balances of sources may be negative."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02d}"


def largest_remainder(total_fen: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Split `total_fen` (>= 0) in proportion to `weights`; the parts, in fen, add up to the total exactly (M05).

    Every part is its exact share rounded down or up; the fen left over go to the largest remainders, ties to the
    earlier index, so the same input always gives the same split. A weight of zero gets nothing. ValueError if the
    total or a weight is negative or the weights sum to zero; TypeError for a float.
    """
    if total_fen < 0:
        raise ValueError("the total to split is negative")
    scaled = _whole_weights(weights)
    whole = sum(scaled)
    if whole == 0:
        raise ValueError("the weights sum to zero")
    parts: list[int] = []
    remainders: list[int] = []
    for weight in scaled:
        part, remainder = divmod(total_fen * weight, whole)
        parts.append(part)
        remainders.append(remainder)
    left_over = total_fen - sum(parts)
    for index in sorted(range(len(parts)), key=lambda i: -remainders[i])[:left_over]:
        parts[index] += 1
    return parts


def _whole_weights(weights: Sequence[int | Fraction]) -> list[int]:
    """The same proportions in integers: every weight times the common denominator."""
    for weight in weights:
        if not isinstance(weight, int | Fraction):
            raise TypeError(f"a weight is an int or a Fraction, not {type(weight).__name__}")
        if weight < 0:
            raise ValueError("a weight is negative")
    common = lcm(*(weight.denominator for weight in weights))
    return [weight.numerator * (common // weight.denominator) for weight in weights]


def _too_large() -> Exception:
    return problem("amount-too-large", maximum=format_yuan(AMOUNT_MAX_FEN))
