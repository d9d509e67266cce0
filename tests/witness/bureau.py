"""A finance bureau that holds the log's keys and seals what it likes: its tree, totals and ids are always in order.

Begins with the records of an honest log; a test changes or adds some. `Bureau` is the client of a witness.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from fundledger.sealing.canonical import canonical
from fundledger.sealing.inner import InnerTree
from fundledger.sealing.merkle import leaf_hash
from fundledger.sealing.note import SigningKey
from fundledger.verifier import schema
from fundledger.verifier.money import account_id
from fundledger.witness import keyfile
from fundledger.witness.client import LogClient, LogKeys
from fundledger.witness.following import Witness
from fundledger.witness.store import Store
from tests.witness.logs import ORIGIN, START, WITNESS, HandLog, believe

Record = dict[str, Any]


@dataclass
class Item:
    """A record as it is sealed; `version` is the one on its row, `raw` what stands in its place as it is."""

    header: Record
    lines: list[Record] | None
    version: int
    raw: str | None = None

    @property
    def kind(self) -> str:
        return str(self.header["kind"])


@dataclass
class Bureau:
    """The log and its key."""

    items: list[Item]
    log: HandLog = field(default_factory=lambda: HandLog([], SigningKey(ORIGIN, os.urandom(32))))
    rows: list[Record] = field(default_factory=list)

    def entry(self, kind: str, book: str | None = None) -> Item:
        """The last entry of a kind."""
        return next(
            item
            for item in reversed(self.items)
            if item.header.get("entry_kind") == kind and book in (None, item.header["book"])
        )

    def approve(self, header: Record) -> None:
        """Put the approval of an entry into the log."""
        given = next(item for item in self.items if item.kind == "approval")
        self.items.append(Item({
            **given.header, "book": header["book"], "approval_id": str(uuid4()), "instruction_id": header["instruction_id"],
            "content_sha256": header["content_sha256"], "approver_id": header["approver_id"],
        }, None, 1))  # fmt: skip

    def post(self, like: Item, **fields: Any) -> Item:
        """One more entry like another, approved; `fields` of its header."""
        made = copy.deepcopy(like)
        made.header |= {"entry_id": str(uuid4()), "instruction_id": str(uuid4()), **fields}
        self.approve(made.header)
        self.items.append(made)
        return made

    def seal(self) -> Bureau:
        """Derive totals, ids, roots and leaves anew, as the service does."""
        self.rows, self.log.leaves = [], []
        totals: dict[tuple[str, str], int] = {}
        undone: dict[tuple[str, int], int] = {}
        for position, item in enumerate(self.items):
            if item.lines is not None:
                _entry(item.header, item.lines, totals, undone)
            data = item.raw or canonical(item.header).decode()
            self.log.leaves.append(leaf_hash(data.encode()))
            self.rows.append({
                "position": position, "book": item.header["book"], "kind": item.kind, "version": item.version,
                "record_id": item.header[f"{item.kind}_id"], "leaf_hash": self.log.leaves[-1].hex(), "data": data,
            })  # fmt: skip
            if item.lines is not None:
                self.rows.append({"position": position, "lines": [canonical(line).decode() for line in item.lines]})
        self.rows.append({"next": len(self.items)})
        return self

    async def checkpoint(self, size: int | None = None) -> str | None:
        return self.log.note(len(self.log.leaves) if size is None else size)

    async def keys(self) -> LogKeys:
        return LogKeys(ORIGIN, [self.log.key.verifier], [])

    async def consistency(self, old: int, size: int) -> list[bytes] | None:
        return self.log.proof(old, size)

    async def publish(self, line: str, size: int) -> bool:
        return True

    async def entries(self, start: int, stop: int, limit: int) -> AsyncGenerator[Record]:
        for row in self.rows:
            if "next" in row or start <= row["position"] < stop:
                yield {"next": stop} if "next" in row else row

    def witness(self, folder: Path) -> Witness:
        """An audit office that trusts the bureau's key."""
        store = Store(folder)
        believe(store, self.log.key.verifier)
        return Witness(store, ORIGIN, cast(LogClient, self), lambda: START, keyfile.create(folder, WITNESS))


def later(witness: Witness, seconds: int) -> Witness:
    """The same audit office, so much later."""
    return replace(witness, clock=lambda: START + seconds)


async def bureau_of(witness: Witness) -> Bureau:
    """A bureau that begins with what the honest service of `witness` sealed."""
    items: list[Item] = []
    async for row in witness.client.entries(0, 10**6, 50_000):
        if "data" in row:
            header = json.loads(row["data"])
            items.append(Item(header, [] if header["kind"] == "entry" else None, row["version"]))
        elif "lines" in row:
            cast(list[Record], items[-1].lines).extend(json.loads(text) for text in row["lines"])
    return Bureau(items)


def _entry(
    header: Record, lines: list[Record], totals: dict[tuple[str, str], int], undone: dict[tuple[str, int], int]
) -> None:
    tree = InnerTree()
    for number, line in enumerate(lines, start=1):
        line |= {"book": header["book"], "entry_id": header["entry_id"], "line_no": number}
        for side in ("debit", "credit"):
            account = line[side]
            typed = schema.PayeeAccount if "payee_id" in account else schema.Account
            digits = account_id(typed(**account))
            account["account_id"] = "-".join(
                (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            )  # fmt: skip
            before = totals.get((side, header["book"] + digits), 0)
            after = totals[side, header["book"] + digits] = before + _fen(line["amount"])
            line |= {f"{side}_before": _yuan(before), f"{side}_after": _yuan(after)}
        if line["undoes"] is not None:
            key = (line["undoes"]["entry_id"], line["undoes"]["line_no"])
            line["undoes"]["before"] = _yuan(undone.get(key, 0))
            undone[key] = undone.get(key, 0) + _fen(line["amount"])
        tree.append(leaf_hash(canonical(line)))
    header |= {
        "line_count": len(lines), "total": _yuan(sum(_fen(line["amount"]) for line in lines)),
        "lines_root": tree.finish()[0].hex(),
    }  # fmt: skip


def _fen(text: str) -> int:
    return int(text.replace(".", ""))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
