"""Alarms (警报): what a witness found that must not be, kept until a person acknowledges it.

An alarm is kept in the store in the same transaction as the decision; its file, which anybody can check, and the
operator's hook follow, and are made up for by the next run if a kill came between. Evidence is verbatim: both notes
with the log's own signatures, so that whoever has the log's verifier key sees that the log contradicted itself.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fundledger.files.whole import write_whole
from fundledger.witness.store import Store

FORK: Final = "fork"
REWOUND: Final = "rewound"
UNPROVEN: Final = "unproven"
FAULT: Final = "fault"
HOOK_SECONDS: Final = 60

MEANING: Final = {
    FORK: (
        "历史被改写：日志签署了两个互相矛盾的检查点。",
        "HISTORY WAS REWRITTEN: the log signed two checkpoints that contradict each other.",
    ),
    REWOUND: (
        "日志变短，且无法证明它是已见历史的开头。",
        "THE LOG SHRANK and can't show that it is a beginning of what was seen.",
    ),
    UNPROVEN: (
        "日志变长，却不给出与已见历史的一致性证明。",
        "THE LOG GREW but gives no proof that it continues what was seen.",
    ),
    FAULT: (
        "日志内容有误：逐条重算发现不符。",
        "THE LOG'S CONTENT IS WRONG: reading and adding it up again found a fault.",
    ),
}  # fmt: skip
_ADVICE: Final = (
    "保存本文件和见证文件夹；不要相信该日志此后的回答；通知审计机关负责人。处理后运行 fundledger witness acknowledge。",
    "Keep this file and the witness's folder; do not rely on this log's further answers; tell the head of audit. "
    "When it was dealt with: fundledger witness acknowledge.",
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `seen_note` was seen before, `new_note` is what the log answered (each may be empty)."""

    number: int
    origin: str
    kind: str
    raised_at: int
    seen_note: str
    new_note: str
    detail: str

    @property
    def file_name(self) -> str:
        """The alarm's file in the witness's folder."""
        return f"alarm-{self.number:04d}-{self.kind}.txt"

    @property
    def text(self) -> str:
        """What people read, and the evidence verbatim."""
        at = datetime.fromtimestamp(self.raised_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        head = [*MEANING[self.kind], f"日志 log: {self.origin}", f"时间 time: {at}"]
        parts = [("先前见到的检查点 the checkpoint seen before", self.seen_note),
                 ("日志现在的检查点 what the log answers now", self.new_note)]  # fmt: skip
        shown = [f"----- {title} -----\n{note}" for title, note in parts if note]
        detail = [self.detail] if self.detail else []
        return "\n".join([*head, *detail, *_ADVICE, *shown]) + ("" if shown else "\n")


def raise_alarm(
    db: sqlite3.Connection, origin: str, kind: str, seen_note: str, new_note: str, detail: str, now: int
) -> int:
    """Keep an alarm (once, while it is open); its number.

    What the log signed decides whether it is the same one: anybody can add signature lines to a note.
    """
    query = """SELECT number, new_note FROM alarm WHERE origin = ? AND kind = ? AND seen_note = ? AND detail = ?
        AND acknowledged_at IS NULL"""
    signed = new_note.partition("\n\n")[0]
    for number, note in db.execute(query, (origin, kind, seen_note, detail)).fetchall():
        if note.partition("\n\n")[0] == signed:
            return int(number)
    made = db.execute(
        "INSERT INTO alarm (origin, kind, seen_note, new_note, detail, raised_at) VALUES (?, ?, ?, ?, ?, ?)",
        (origin, kind, seen_note, new_note, detail, now),
    )
    return int(made.lastrowid or 0)


def open_alarm(db: sqlite3.Connection, origin: str) -> bool:
    """Whether an alarm of the log waits to be acknowledged."""
    query = "SELECT 1 FROM alarm WHERE origin = ? AND acknowledged_at IS NULL LIMIT 1"
    return db.execute(query, (origin,)).fetchone() is not None


def open_alarms(store: Store, origin: str | None = None) -> list[Alarm]:
    """The alarms that wait to be acknowledged, of one log or of all, oldest first."""
    with store.reading() as db:
        rows = db.execute(
            """SELECT number, origin, kind, raised_at, seen_note, new_note, detail FROM alarm
               WHERE acknowledged_at IS NULL AND (? IS NULL OR origin = ?) ORDER BY number""", (origin, origin)
        ).fetchall()  # fmt: skip
    return [Alarm(*row) for row in rows]


def tell(store: Store, hook: Sequence[str] = ()) -> list[Alarm]:
    """Write the file of every open alarm that has none, and call the hook for each once; the open alarms."""
    alarms = open_alarms(store)
    for alarm in alarms:
        path = store.folder / alarm.file_name
        if not path.exists():
            write_whole(path, alarm.text)
        if hook:
            _call(store, alarm, path, hook)
    return alarms


def acknowledge(store: Store, reason: str, now: int) -> int:
    """A person has taken note of every open alarm; how many. The files stay."""
    with store.writing() as db:
        query = "UPDATE alarm SET acknowledged_at = ?, reason = ? WHERE acknowledged_at IS NULL"
        return db.execute(query, (now, reason)).rowcount


def _call(store: Store, alarm: Alarm, path: Path, hook: Sequence[str]) -> None:
    """Run the hook with the file as its last argument; one that fails is called again by the next run."""
    with store.reading() as db:
        if db.execute("SELECT hooked FROM alarm WHERE number = ?", (alarm.number,)).fetchone()[0]:
            return
    try:
        done = subprocess.run([*hook, str(path.absolute())], timeout=HOOK_SECONDS, check=False)  # noqa: S603  (no shell)
    except (OSError, subprocess.TimeoutExpired):
        return
    if done.returncode == 0:
        with store.writing() as db:
            db.execute("UPDATE alarm SET hooked = 1 WHERE number = ?", (alarm.number,))
