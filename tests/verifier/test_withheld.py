"""Bundles of somebody who holds the receipts key and leaves things out, or writes them so that a reader misses them."""

from __future__ import annotations

import json

import pytest

from fundledger.sealing.checkpoint import encode_hash
from fundledger.sealing.merkle import leaf_hash, root
from tests.verifier.making import Log, resigned, rows, unrows


async def test_a_whole_log_without_its_last_leaves_is_incomplete(year_log: Log) -> None:
    def change(parts: dict[str, bytes]) -> None:
        leaves = rows(parts["leaves.ndjson"])
        last = leaves.pop()
        for name in ("lines.ndjson", "contents.ndjson"):
            parts[name] = unrows([row for row in rows(parts[name]) if row["position"] != last["position"]])
        parts["leaves.ndjson"] = unrows(leaves)
        parts["nodes"] = f"{encode_hash(bytes.fromhex(last['hash']))}\n".encode()

    path = resigned(await year_log.export("whole.zip"), year_log.ring, change)
    report = year_log.verify(path)
    assert (report.exit_code, report.state("records-are-there")) == (3, "incomplete")


async def test_a_whole_log_without_the_lines_of_an_entry_is_incomplete(year_log: Log) -> None:
    def change(parts: dict[str, bytes]) -> None:
        leaves = rows(parts["leaves.ndjson"])
        last = [row for row in leaves if row["kind"] == "entry"][-1]
        lines = rows(parts["lines.ndjson"])
        mine = [row for row in lines if row["position"] == last["position"]]
        last["line_nodes"] = [encode_hash(root([leaf_hash(row["data"].encode()) for row in mine]))]
        parts["leaves.ndjson"] = unrows(leaves)
        parts["lines.ndjson"] = unrows([row for row in lines if row["position"] != last["position"]])

    report = year_log.verify(resigned(await year_log.export("lines.zip"), year_log.ring, change))
    assert (report.exit_code, report.state("records-are-there")) == (3, "incomplete"), report.as_json()


@pytest.mark.parametrize("member", ["lines.ndjson", "leaves.ndjson"])
async def test_rows_may_be_spelled_as_json_may(year_log: Log, member: str) -> None:
    def change(parts: dict[str, bytes]) -> None:
        spelled = [json.dumps(row).replace('\\"', "\\u0022") for row in rows(parts[member])]
        made = [line.replace('":', '" :') for line in spelled]
        parts[member] = "".join(f"{line}\n" for line in made).encode()

    report = year_log.verify(resigned(await year_log.export("spelled.zip"), year_log.ring, change))
    assert report.exit_code == 0, report.as_json()["first_fault"]


async def test_a_text_that_is_no_instruction_is_a_fault_and_no_crash(year_log: Log) -> None:
    def change(parts: dict[str, bytes]) -> None:
        texts = rows(parts["contents.ndjson"])
        texts[0]["text"] = json.dumps([*["fundledger-instruction-v1"], *range(2), [], *range(13)]) + '\n["leg",1]'
        parts["contents.ndjson"] = unrows(texts)

    report = year_log.verify(resigned(await year_log.export("text.zip"), year_log.ring, change))
    assert (report.exit_code, report.state("approved-content-unchanged")) == (1, "fault")
