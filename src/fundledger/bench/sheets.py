"""``fundledger bench lists``: an .xlsx list of households against what openpyxl alone needs to read the file.

One run: the file is written, openpyxl reads it (its fast read-only way, which is the measure, and the usual way), and
the real service previews, takes, approves and pays it over HTTP. The figures are seconds, each beside its ratio to
openpyxl's read-only seconds; the service's peak memory is VmHWM of its process.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import xlsxwriter

from fundledger.bench.world import DISTRICT, HOUSEHOLD_PROGRAMME, World, household_no, publish
from fundledger.ids import new_id
from fundledger.payments.template import SHEET, columns_of
from fundledger.registry.identity import synthetic_card

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTS = f"/v1/books/{DISTRICT}/payment-lists"
GOAL = 0.6
FIGURES = {
    "openpyxl_read_only": "load_workbook(read_only=True) and every row's values: the measure of all",
    "openpyxl": "load_workbook and every row's values",
    "preview": "POST of the file with preview=true, from request to answer",
    "upload": "POST of the file: validated, resolved, sealed, stored, checked",
    "approve": "POST …/approve: every line checked under the lock of its programme and period",
    "pay": "POST …/pay, from request to answer",
    "memory": "peak resident memory of the service's process at the end (VmHWM)",
}


def workbook(world: World, lines: int) -> bytes:
    """The list as a district would send it: the template's columns, every household once."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet(SHEET)
        text, money = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.00"})
        for place, column in enumerate(columns_of("household")):
            sheet.write_string(0, place, column.heading)
        for number in range(lines):
            row = number + 1
            sheet.write_string(row, 0, household_no(number), text)
            sheet.write_string(row, 1, world.identities[number][1])
            sheet.write_string(row, 2, synthetic_card(number), text)
            sheet.write_number(row, 3, 1 + number % 4)
            sheet.write_number(row, 4, (number % 997) / 2 + 1, money)
            sheet.write_string(row, 5, f"验收单{number // 30:04}号", text)
    return content.getvalue()


def total_fen(lines: int) -> int:
    """What the list pays, in fen."""
    return sum((number % 997) * 50 + 100 for number in range(lines))


def openpyxl_seconds(data: bytes, rounds: int, *, usual: bool = True) -> dict[str, list[float]]:
    """How long openpyxl takes to read every row's values."""
    try:
        import openpyxl
    except ImportError:
        raise RuntimeError("bench lists compares with openpyxl; install it: pip install 'fundledger[dev]'") from None

    def read(*, read_only: bool) -> None:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=read_only)
        for _ in book.worksheets[0].iter_rows(values_only=True):
            pass
        book.close()

    seconds: dict[str, list[float]] = {"openpyxl_read_only": [], "openpyxl": []}
    for turn in range(rounds):
        gc.collect()
        seconds["openpyxl_read_only"].append(_seconds(lambda: read(read_only=True)))
        if usual and not turn:
            seconds["openpyxl"].append(_seconds(lambda: read(read_only=False)))
    return seconds


async def measure_sheets(
    world: World, host: str, port: int, process: int, *, lines: int, rounds: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """All figures of one run: medians of the rounds."""
    data = await asyncio.to_thread(workbook, world, lines)
    seconds = await asyncio.to_thread(openpyxl_seconds, data, 1)
    for name in ("preview", "upload", "approve", "pay"):
        seconds[name] = []
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=300) as client:
        for turn in range(rounds):
            if turn:  # in turns, so that whatever else the machine does weighs on both alike
                again = await asyncio.to_thread(openpyxl_seconds, data, 1, usual=False)
                seconds["openpyxl_read_only"] += again["openpyxl_read_only"]
            await _round(world, client, data, lines, turn, seconds)
            say(f"round {turn + 1}: " + ", ".join(f"{name} {taken[-1]:.2f} s" for name, taken in seconds.items()))
    measure = median(seconds["openpyxl_read_only"])
    figures: dict[str, dict[str, Any]] = {
        name: {"seconds": round(median(taken), 3), "of_openpyxl": round(median(taken) / measure, 3), "lines": lines}
        for name, taken in seconds.items()
    }
    figures["memory"] = {"peak_mb": peak_mb(process), "file_mb": round(len(data) / 1e6, 1)}
    return figures


async def _round(
    world: World, client: httpx.AsyncClient, data: bytes, lines: int, turn: int, seconds: dict[str, list[float]]
) -> None:
    period = f"{2016 + turn // 12}-{turn % 12 + 1:02}"  # of its own, over, and with a standard
    header = {
        "document_no": f"bench-{period}", "effective_on": "2019-03-01", "summary": "bench", "period": period,
        "officer_id": str(world.officers[DISTRICT, "accountable"]), "payee_kind": "household",
        "supervisor_id": str(world.officers[DISTRICT, "supervising"]), "project_id": str(world.projects[-1]),
        "programme_code": HOUSEHOLD_PROGRAMME, "entitlement_on": f"{period}-01", "sources": str(world.allocations[-1]),
    }  # fmt: skip

    async def call(name: str, who: str, path: str, content: bytes, media: str, **params: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {world.tokens[who]}", "Idempotency-Key": str(new_id()),
                   "Content-Type": media}  # fmt: skip
        started = time.perf_counter()
        answer = await client.post(path, content=content, headers=headers, params=params)
        seconds[name].append(time.perf_counter() - started)
        if answer.status_code >= 300:
            raise RuntimeError(f"{name}: {answer.status_code} {answer.text[:500]}")
        await asyncio.sleep(0.5)  # what the service does after an answer is not the next call's time
        result: dict[str, Any] = answer.json()
        return result

    await call("preview", "maker", LISTS, data, XLSX, **header, preview="true")
    made = await call("upload", "maker", LISTS, data, XLSX, **header)
    path = f"{LISTS}/{made['payment_list_id']}"
    await publish(world, "payment_list", made["payment_list_id"], total_fen(lines))
    approval = json.dumps({"content_sha256": made["content_sha256"]}).encode()
    await call("approve", "approver", f"{path}/approve", approval, "application/json")
    await call("pay", "payer", f"{path}/pay", b"", "application/json")


def peak_mb(process: int) -> int | None:
    """The most memory the process ever had, in MB; None where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0].split()[1]) // 1024 if found else None


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
