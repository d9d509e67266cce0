"""A crossing of which the bundle's log has one side: a fault, unless the other may still stand behind the log's end."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fundledger.verifier import approvals
from fundledger.verifier.state import Walk


@pytest.mark.parametrize(
    ("behind", "newest", "found"),
    [
        (approvals.RECENT + 1, "2019-03-01T00:01:00.000001Z", "fault"),
        (approvals.RECENT + 1, "2019-03-01T00:01:00.000000Z", "incomplete"),
        (approvals.RECENT + 1, "2019-03-01T00:00:00.000000Z", "incomplete"),
        (approvals.RECENT, "2019-03-01T05:00:00.000000Z", "incomplete"),
        (approvals.RECENT + 1, "no time", "fault"),
        (approvals.RECENT + 1, "2019-03-01T00:01:00", "fault"),
    ],
)
def test_one_side_only(monkeypatch: pytest.MonkeyPatch, behind: int, newest: str, found: str) -> None:
    told: list[str] = []
    entry = SimpleNamespace(recorded_at="2019-03-01T00:00:00.000000Z", crossing_id="c")
    posted = SimpleNamespace(position=7, entry=entry)
    report = SimpleNamespace(incomplete=lambda *_, **__: told.append("incomplete"))
    walk: Any = SimpleNamespace(
        waiting={}, crossings={"c": posted}, scope=SimpleNamespace(kind="all"), size=7 + behind, newest=newest,
        report=report,
    )  # fmt: skip
    monkeypatch.setattr(approvals, "_fault", lambda *_: told.append("fault"))
    monkeypatch.setattr(approvals, "_place", lambda _: {})
    approvals.finish(cast(Walk, walk))
    assert told == [found]
