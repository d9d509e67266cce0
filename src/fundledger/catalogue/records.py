"""Problems of records that exist already: what a unique key of the registry refuses (see `db/refusals.CONSTRAINTS`).

No text names a person; the fault's place (line or pointer) says which one it is.
"""

from __future__ import annotations

from fundledger.errors import Family, Problem

_REGISTRY = "M38"

ROWS: tuple[Problem, ...] = (
    Problem(
        "household-exists", Family.CONFLICT, _REGISTRY,
        "户编号已登记", "The household number is taken",
        "本区已有同一编号的户。", "This district has a household of that number.",
        "核对户编号；变动情况请登记为该户的新状态。",
        "Check the number; record a change as that household's new status.",
    ),
    Problem(
        "person-exists", Family.REFUSED, _REGISTRY,
        "此人已登记", "The person is already registered",
        "本区已登记过同一身份证号码的人，一人只能属于一户。",
        "A person of that identity number is registered in this district; a person belongs to one household.",
        "去掉重复的人；若登记在别的户，请先核实。",
        "Leave the person out; if another household has the person, look into it first.",
    ),
    Problem(
        "household-has-head", Family.REFUSED, _REGISTRY,
        "该户已有户主", "The household has a head",
        "一户只能有一名户主。", "A household has one head.",
        "只标明一名户主。", "Mark one person as the head.",
    ),
    Problem(
        "organisation-exists", Family.CONFLICT, _REGISTRY,
        "单位已登记", "The organisation is already registered",
        "本区已登记过同一统一社会信用代码的单位。",
        "An organisation of that credit code is registered in this district.",
        "使用已登记的单位。", "Use the registered one.",
    ),
    Problem(
        "division-exists", Family.CONFLICT, _REGISTRY,
        "区划已登记", "The division is already registered",
        "本账已有同一代码的区划。", "This book has a division of that code.",
        "核对区划代码。", "Check the division code.",
    ),
)  # fmt: skip
