"""The numbers people, enterprises and bank cards carry: are they well formed, and does the check character fit?

Three standards: GB 11643-1999 identity numbers, GB 32100-2015 unified social credit codes (统一社会信用代码), ISO/IEC
7812 card numbers (Luhn). A number that passes is possible, not real: nobody is asked whether it was issued. Unknown
area codes are accepted, because old ones stay valid for life. No error of this module contains the number itself.

The `synthetic_*` builders make valid numbers for demos and tests in the impossible area 999999, so that no living
person, enterprise or account can be hit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal

from fundledger.errors import problem

SYNTHETIC_AREA = "999999"
"""An administrative division (and a card issuer) that does not exist and never will."""

_EARLIEST_BIRTH_YEAR = 1850
_IDENTITY = re.compile(r"[0-9]{17}[0-9X]")
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(rf"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}")
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

_CARD = re.compile(r"[0-9]{13,19}")
_CARD_GROUPING = re.compile(r"[ \-]")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+")
_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CARD_LENGTHS = range(13, 20)


def _digit_table(values: Sequence[int]) -> bytes:
    """A byte table that turns the digits 0 to 9 into values below 256."""
    return bytes(values[byte - 48] if 48 <= byte <= 57 else 0 for byte in range(256))


# Check digits of many numbers at once: the bytes of one place of all numbers are the lanes of one long integer, so that
# adding two places adds them for every number. No lane overflows: 19 digits of at most 9, 17 remainders of at most 10.
_PLAIN_LANES = _digit_table(range(10))
_DOUBLED_LANES = _digit_table(_LUHN_DOUBLED)
_IDENTITY_LANES = tuple(_digit_table([digit * weight % 11 for digit in range(10)]) for weight in _IDENTITY_WEIGHTS)
_TENTHS = bytes(byte % 10 for byte in range(256))
_CHECK_LANES = bytes(ord(_IDENTITY_CHECKS[byte % 11]) for byte in range(256))


def normalise(text: str) -> str:
    """The stored form of an identity number or social credit code: no surrounding space, letters upper case."""
    return text.strip().upper()


def normalise_card(text: str) -> str:
    """The stored form of a card number: digits without the spaces or hyphens people group them with."""
    return _CARD_GROUPING.sub("", text.strip())


def check_identity_number(text: str) -> None:
    """Refuse what cannot be a GB 11643 identity number.

    `identity-scientific`: a spreadsheet turned it into 4.2E+17. `identity-malformed`: not 17 digits and a digit or X,
    or digits 7 to 14 are no calendar date since 1850. `identity-checksum`: the last character does not fit.
    """
    number = normalise(text)
    if _SCIENTIFIC.fullmatch(number):
        raise problem("identity-scientific")
    if not _IDENTITY.fullmatch(number) or _birth_date(number) is None:
        raise problem("identity-malformed")
    if _identity_check(number) != number[17]:
        raise problem("identity-checksum")


def birth_date_of(number: str) -> date:
    """The birth date in a valid identity number (digits 7 to 14); refused as by `check_identity_number`."""
    check_identity_number(number)
    born = _birth_date(normalise(number))
    assert born is not None
    return born


def sex_of(number: str) -> Literal["male", "female"]:
    """The sex in a valid identity number (digit 17, odd for male); refused as by `check_identity_number`."""
    check_identity_number(number)
    return "male" if int(normalise(number)[16]) % 2 else "female"


def check_uscc(text: str) -> None:
    """Refuse what cannot be a GB 32100 social credit code: `uscc-malformed`, `uscc-checksum`."""
    code = normalise(text)
    if not _USCC.fullmatch(code):
        raise problem("uscc-malformed")
    if _uscc_check(code) != code[17]:
        raise problem("uscc-checksum")


def check_card(text: str) -> None:
    """Refuse what cannot be a bank card number of 13 to 19 digits with a Luhn check digit.

    `card-scientific`: a spreadsheet turned it into 6.2E+18. `card-malformed`, `card-checksum`. For cards only:
    corporate and passbook accounts (对公账户, 存折) often carry no Luhn digit.
    """
    number = normalise_card(text)
    if _SCIENTIFIC.fullmatch(number):
        raise problem("card-scientific")
    if not _CARD.fullmatch(number):
        raise problem("card-malformed")
    if _luhn_check(number[:-1]) != number[-1]:
        raise problem("card-checksum")


def all_cards(texts: Sequence[str]) -> bool:
    """Whether `check_card` passes every text as it stands, digits only; no means: some may not."""
    joined = "".join(texts)
    if not (joined.isascii() and joined.isdigit()):
        return False
    by_length: dict[int, list[str]] = {}
    for text in texts:
        by_length.setdefault(len(text), []).append(text)
    return all(length in _CARD_LENGTHS and _luhn_fits(group, length) for length, group in by_length.items())


def all_identity_numbers(texts: Sequence[str]) -> bool:
    """Whether `check_identity_number` passes every text as it stands, in its stored form; no means: some may not."""
    if set(map(len, texts)) != {18}:
        return False
    data = "".join(texts).encode("ascii", "replace")
    stems = "".join([text[:17] for text in texts])
    if not (stems.isascii() and stems.isdigit()) or not all(map(_birth_date, {text[:14] for text in texts})):
        return False
    total = sum(_lanes(data[place::18], table) for place, table in enumerate(_IDENTITY_LANES))
    return total.to_bytes(len(texts), "little").translate(_CHECK_LANES) == data[17::18]


def _luhn_fits(texts: Sequence[str], length: int) -> bool:
    """Luhn over digits of one length: every second digit from the right, but the last, is doubled."""
    data = "".join(texts).encode()
    tables = (_PLAIN_LANES, _DOUBLED_LANES)
    total = sum(_lanes(data[place::length], tables[(length - 1 - place) % 2]) for place in range(length))
    return not any(total.to_bytes(len(texts), "little").translate(_TENTHS))


def _lanes(place: bytes, table: bytes) -> int:
    return int.from_bytes(place.translate(table), "little")


def synthetic_identity_number(birth: date, sequence: int) -> str:
    """A valid identity number that belongs to nobody; sequence 0 to 999, odd for male."""
    if not 0 <= sequence <= 999:
        raise ValueError("sequence runs from 0 to 999")
    stem = f"{SYNTHETIC_AREA}{birth:%Y%m%d}{sequence:03d}"
    return stem + _identity_check(stem)


def synthetic_card(sequence: int) -> str:
    """A valid 19-digit card number of an issuer that does not exist; sequence 0 to 10**12 - 1."""
    if not 0 <= sequence < 10**12:
        raise ValueError("sequence runs from 0 to 10**12 - 1")
    stem = f"{SYNTHETIC_AREA}{sequence:012d}"
    return stem + _luhn_check(stem)


def synthetic_uscc(sequence: int) -> str:
    """A valid social credit code of an enterprise in an area that does not exist; sequence 0 to 10**9 - 1."""
    if not 0 <= sequence < 10**9:
        raise ValueError("sequence runs from 0 to 10**9 - 1")
    stem = f"91{SYNTHETIC_AREA}{sequence:09d}"
    return stem + _uscc_check(stem)


def _birth_date(number: str) -> date | None:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born.year >= _EARLIEST_BIRTH_YEAR else None


def _identity_check(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _IDENTITY_WEIGHTS, strict=True))
    return _IDENTITY_CHECKS[total % 11]


def _uscc_check(code: str) -> str:
    total = sum(_USCC_VALUES[char] * weight for char, weight in zip(code[:17], _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[-total % 31]


def _luhn_check(stem: str) -> str:
    doubled = sum(_LUHN_DOUBLED[int(digit)] for digit in stem[::-2])
    plain = sum(int(digit) for digit in stem[-2::-2])
    return str(-(doubled + plain) % 10)
