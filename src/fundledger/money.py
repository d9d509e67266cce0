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


_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")


def capital_yuan(fen: int) -> str:
    """Write fen (0 to 万亿 yuan) in capital characters (大写金额) as receipts have it: 100050 -> 壹仟元伍角整.

    After 正确填写票据和结算凭证的基本规定: zeros between digits are one 零; the one that may be left out where the
    place of 万 or of 元 is zero is left out; 零 stands before a 分 without 角; 整 ends whatever has no 分, so that
    nothing can be added. ValueError for a negative amount or one of 10^16 yuan and more.
    """
    if not 0 <= fen < 10**18:
        raise ValueError("an amount in capitals is from zero to below 10^16 yuan")
    yuan, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    text = f"{_capital(yuan)}元" if yuan or not rest else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    if cents:
        return text + ("零" if yuan and not jiao else "") + f"{_DIGITS[cents]}分"
    return f"{text}整"


def _capital(number: int) -> str:
    """A whole number: by 亿, then by 万, then by places; 零 where the part below does not fill its first place."""
    for unit, name in ((10**8, "亿"), (10**4, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            gap = "零" if 0 < low < unit // 10 else ""
            return f"{_capital(high)}{name}{gap}{_capital(low) if low else ''}"
    if number == 0:
        return _DIGITS[0]
    text = "".join(f"{_DIGITS[int(digit)]}{_PLACES[place]}" if digit != "0" else "零"
                   for place, digit in zip(range(len(str(number)) - 1, -1, -1), str(number), strict=True))  # fmt: skip
    return re.sub("零+", "零", text).rstrip("零")
