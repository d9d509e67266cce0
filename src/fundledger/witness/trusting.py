"""Which log an audit office trusts when it names verifier keys."""

from __future__ import annotations

from collections.abc import Sequence

from fundledger.errors import problem
from fundledger.sealing.keys import receipts_name
from fundledger.sealing.note import VerifierKey


def origin_of(keys: Sequence[VerifierKey]) -> str:
    """The origin of the one log whose keys these are, receipts keys among them or not; `witness-log-keys-differ`."""
    names = sorted({key.name for key in keys}, key=len)
    if names[1:] not in ([], [receipts_name(names[0])]):
        raise problem("witness-log-keys-differ", names=len(names))
    return names[0]
