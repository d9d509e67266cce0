"""A log with keys: sealing with a signer, and an independent check of what the service proves (hashlib only).

The check knows RFC 6962 by its recursive definition and nothing of `fundledger.sealing`: a proof is right when walking
its path from the leaf's bytes gives the root that the checkpoint's third line names.
"""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from fundledger.sealing import keys
from fundledger.sealing.keys import KeyFile, Keyring
from fundledger.sealing.sequencer import Sequencer
from fundledger.sealing.signing import Signer
from tests.databases import Database, connected

ORIGIN = "test.example/log"


async def seal(db: Database, folder: Path) -> Keyring:
    """Seal and sign what waits, with the keys of a data folder (the service's, or made at the first call)."""
    path = folder / "log-keys.json"
    ring = keys.load(path) if path.exists() else keys.create(path, ORIGIN)
    async with connected(db.service_url) as connection:
        await Sequencer(connection, signer=Signer(KeyFile(path))).seal_all()
    return ring


def hash_leaf(data: bytes) -> bytes:
    """RFC 6962 section 2.1, of one leaf."""
    return sha256(b"\x00" + data).digest()


def walked(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a path gives, by the recursive definition of the tree; AssertionError for a wrong length."""
    if size == 1:
        assert path == []
        return leaf
    split = 1 << (size - 1).bit_length() - 1
    *lower, last = path
    if index < split:
        return sha256(b"\x01" + walked(leaf, index, split, lower) + last).digest()
    return sha256(b"\x01" + last + walked(leaf, index - split, size - split, lower)).digest()


def checked_file(text: str, leaf: bytes) -> tuple[int, int]:
    """Index and size of a proof file that proves this leaf; AssertionError."""
    head, note = text.split("\n\n", 1)
    first, index, *path = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    origin, size, root, blank, *signatures = note.split("\n")
    assert blank == ""
    assert signatures[0].startswith(f"— {origin} ")
    place = int(index.removeprefix("index "))
    walked_root = walked(hash_leaf(leaf), place, int(size), [base64.b64decode(one) for one in path])
    assert walked_root == base64.b64decode(root)
    return place, int(size)


def checked_line(answer: dict[str, Any]) -> dict[str, Any]:
    """The line that an answer of the line-proof route proves, leaf and all; AssertionError."""
    header, line = json.loads(answer["leaf"]), json.loads(answer["data"])
    path = [base64.b64decode(one) for one in answer["inner_path"]]
    root = walked(hash_leaf(answer["data"].encode()), answer["index"], header["line_count"], path)
    assert root.hex() == header["lines_root"]
    assert line["entry_id"] == header["entry_id"] == answer["entry_id"]
    assert line["line_no"] == answer["line_no"]
    checked_file(answer["proof"], answer["leaf"].encode())
    return dict(line)
