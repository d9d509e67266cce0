"""Which allocation pays which line (统筹整合, M13): every line has exactly one source, so that each keeps its tag.

A source may name the most it gives. Lines that name their allocation take from it; the others go, in order, to the
first source that still holds their whole amount. No line is split over two sources: a payee gets one sum from one
allocation, and the way back from it stays one way. Where the amounts leave no source with enough for a line, the list
is refused, and the answer says which lines; naming the allocation on some lines, or other amounts, mends it. What came
back is paid again (重发) from the allocation it came back to, if that is a source; out of a past year's account by a
leg of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from fundledger.book.instructions import Leg
from fundledger.errors import Fault
from fundledger.money import format_yuan
from fundledger.payments.lines import Line
from fundledger.payments.returned import Returned
from fundledger.payments.uploads import Upload


@dataclass(frozen=True, slots=True)
class Source:
    """An allocation of the district that pays; `limit` in fen is the most it gives, None for what is needed."""

    allocation_id: UUID
    limit: int | None = None
    document_no: str = ""


def assign(
    upload: Upload, sources: Sequence[Source], lines: Sequence[Line], project_id: UUID | None,
    again: Mapping[int, Returned],
) -> tuple[list[Leg], list[int], list[Fault]]:  # fmt: skip
    """The legs (one per source and year that pays), the leg number of each line (0 where none fits), and the faults.

    `again` are the lines that pay a returned one again, by line number.
    """
    if len(sources) == 1 and sources[0].limit is None and not again and not any(line.allocation for line in lines):
        whole = sum(line.amount for line in lines)
        return [Leg(whole, allocation_id=sources[0].allocation_id, project_id=project_id)], [1] * len(lines), []
    chosen, faults = _choose(upload, sources, lines, again)
    given: dict[tuple[int, int], int] = {}
    keys = [
        None if place < 0 else (place, _past_year(sources[place], again.get(line.line_no)))
        for place, line in zip(chosen, lines, strict=True)
    ]
    for key, line in zip(keys, lines, strict=True):
        if key is not None:
            given[key] = given.get(key, 0) + line.amount
    number = {key: leg_no for leg_no, key in enumerate(sorted(given), start=1)}
    legs = [
        Leg(given[key], allocation_id=sources[key[0]].allocation_id, project_id=project_id, exec_year=key[1] or None)
        for key in number
    ]
    return legs, [0 if key is None else number[key] for key in keys], faults


def _past_year(source: Source, returned: Returned | None) -> int:
    """The year of the past account that pays; 0 for this year's."""
    if returned is None or returned.allocation_id != source.allocation_id:
        return 0
    return returned.past_year or 0


def _choose(
    upload: Upload, sources: Sequence[Source], lines: Sequence[Line], again: Mapping[int, Returned]
) -> tuple[list[int], list[Fault]]:
    """The index of each line's source, -1 where there is none. Named lines first: they have no choice."""
    names = _names(sources)
    left = [source.limit for source in sources]
    chosen = [-1] * len(lines)
    faults: list[Fault] = []
    for turn in (True, False):
        for index, line in enumerate(lines):
            if (line.allocation is not None) is not turn:
                continue
            if line.allocation is not None and line.allocation not in names:
                faults.append(upload.fault("line-source-unknown", line.row, "allocation"))
                continue
            places: Sequence[int] = range(len(sources)) if line.allocation is None else (names[line.allocation],)
            if returned := again.get(line.line_no):
                home = returned.allocation_id
                places = sorted(places, key=lambda place: sources[place].allocation_id != home)
            place = _first_with(left, places, line.amount)
            if place is None:
                faults.append(upload.fault("line-fits-no-source", line.row, "amount", amount=format_yuan(line.amount)))
                continue
            chosen[index] = place
            rest = left[place]
            left[place] = None if rest is None else rest - line.amount
    return chosen, faults


def _first_with(left: Sequence[int | None], places: Sequence[int], amount: int) -> int | None:
    for place in places:
        rest = left[place]
        if rest is None or rest >= amount:
            return place
    return None


def _names(sources: Sequence[Source]) -> dict[str, int]:
    """How a line may call a source: by its id, or by its document number where only one source has it."""
    by_id = {str(source.allocation_id): place for place, source in enumerate(sources)}
    documents = [source.document_no for source in sources]
    by_document = {text: place for place, text in enumerate(documents) if text and documents.count(text) == 1}
    return by_document | by_id
