"""Faults found while drafting, refused together, in the shape of the gate's refusals (`db.refusals.gate_refusal`)."""

from __future__ import annotations

from collections.abc import Sequence

from fundledger.errors import Fault, FundledgerError, problem


def refuse(faults: Sequence[Fault]) -> None:
    """Raise the faults as one refusal, or return if there are none; faults of one code give it theirs."""
    if not faults:
        return
    if len({fault.code for fault in faults}) == 1:
        raise FundledgerError(faults[0].code, faults=faults, **faults[0].params)
    raise problem("posting-refused", faults=faults, count=len(faults))
