"""The catalogue of refusals: every code, the rule it defends, and what people read about it in Chinese and English.

Each module of this package holds the rows of one part of the business in a tuple `ROWS`; a new module is added to
`_PARTS`. A code stands here once: a second row with the same code stops the import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from fundledger.catalogue.access import ROWS as ACCESS
from fundledger.catalogue.advances import ROWS as ADVANCES
from fundledger.catalogue.allocations import ROWS as ALLOCATIONS
from fundledger.catalogue.backup import ROWS as BACKUP
from fundledger.catalogue.book import ROWS as BOOK
from fundledger.catalogue.budget import ROWS as BUDGET
from fundledger.catalogue.budget_year import ROWS as BUDGET_YEAR
from fundledger.catalogue.bundle import ROWS as BUNDLE
from fundledger.catalogue.edge import ROWS as EDGE
from fundledger.catalogue.erasure import ROWS as ERASURE
from fundledger.catalogue.exports import ROWS as EXPORTS
from fundledger.catalogue.gate import ROWS as GATE
from fundledger.catalogue.input import ROWS as INPUT
from fundledger.catalogue.leads import ROWS as LEADS
from fundledger.catalogue.library import ROWS as LIBRARY
from fundledger.catalogue.lines import ROWS as LINES
from fundledger.catalogue.log import ROWS as LOG
from fundledger.catalogue.operation import ROWS as OPERATION
from fundledger.catalogue.past_years import ROWS as PAST_YEARS
from fundledger.catalogue.payment_lists import ROWS as PAYMENT_LISTS
from fundledger.catalogue.payments import ROWS as PAYMENTS
from fundledger.catalogue.policy import ROWS as POLICY
from fundledger.catalogue.projects import ROWS as PROJECTS
from fundledger.catalogue.records import ROWS as RECORDS
from fundledger.catalogue.registry import ROWS as REGISTRY
from fundledger.catalogue.reissues import ROWS as REISSUES
from fundledger.catalogue.spreadsheets import ROWS as SPREADSHEETS
from fundledger.catalogue.tendering import ROWS as TENDERING
from fundledger.catalogue.trail import ROWS as TRAIL
from fundledger.catalogue.verifier_keys import ROWS as VERIFIER_KEYS
from fundledger.catalogue.witness import ROWS as WITNESS
from fundledger.errors import ParamValue, Problem

Language = Literal["zh", "en"]

_PARTS: tuple[tuple[Problem, ...], ...] = (
    GATE,
    INPUT,
    EDGE,
    ACCESS,
    BOOK,
    ALLOCATIONS,
    BUDGET,
    POLICY,
    BUDGET_YEAR,
    PROJECTS,
    LIBRARY,
    TENDERING,
    PAYMENTS,
    PAST_YEARS,
    ADVANCES,
    RECORDS,
    REGISTRY,
    PAYMENT_LISTS,
    LINES,
    LOG,
    REISSUES,
    SPREADSHEETS,
    LEADS,
    TRAIL,
    EXPORTS,
    OPERATION,
    BACKUP,
    VERIFIER_KEYS,
    WITNESS,
    BUNDLE,
    ERASURE,
)
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def merge(parts: Iterable[Iterable[Problem]]) -> dict[str, Problem]:
    """All rows by code; ValueError if two rows share one."""
    merged: dict[str, Problem] = {}
    for part in parts:
        for row in part:
            if row.code in merged:
                raise ValueError(f"the catalogue has two rows for {row.code}")
            merged[row.code] = row
    return merged


CATALOGUE: dict[str, Problem] = merge(_PARTS)
"""Every refusal by its code."""


def render(code: str, params: Mapping[str, ParamValue], language: Language) -> tuple[str, str, str]:
    """Title, detail and mend (may be empty) of a code, with the parameters filled in.

    A parameter that is missing leaves its placeholder, a surplus one is ignored: an incomplete text must not hide the
    refusal it tells of. KeyError for a code that is not in the catalogue.
    """
    row = CATALOGUE[code]
    texts = (row.title_zh, row.detail_zh, row.mend_zh)
    if language == "en":
        texts = (row.title_en, row.detail_en, row.mend_en)
    title, detail, mend = (_fill(text, params, language) for text in texts)
    return title, detail, mend


def _fill(template: str, params: Mapping[str, ParamValue], language: Language) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return _shown(params[name], language) if name in params else match.group()

    return _PLACEHOLDER.sub(value, template)


def _shown(value: ParamValue, language: Language) -> str:
    """How a parameter reads in a sentence."""
    if isinstance(value, list):
        return ("、" if language == "zh" else ", ").join(value)
    if isinstance(value, bool):
        return {("zh", True): "是", ("zh", False): "否", ("en", True): "yes", ("en", False): "no"}[language, value]
    if value is None:
        return "无" if language == "zh" else "none"
    return str(value)
