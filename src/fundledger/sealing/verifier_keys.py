"""Files of verifier keys (公钥文件), as logs, auditors and witnesses hand them over: one strict reading of all.

One key a line. Blank lines count for nothing, nor does what follows a ``#`` that begins a line or stands after a blank.
So the output of ``fundledger key list`` is such a file. Anything else is refused with its line: nobody may believe that
a key is trusted which was passed over. Called by the commands (``--log-key``, ``--witness-key``) and, for
``FUNDLEDGER_WITNESS_KEYS``, by `cosigning`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

from fundledger.errors import problem
from fundledger.sealing.note import COSIGNATURE, ED25519, NoteError, VerifierKey, parse_key

FILE_MAX: Final = 64 * 1024
"""Characters of the longest file that is read."""
KeyKind = Literal["log", "witness"]
_TYPES: Final[dict[KeyKind, int]] = {"log": ED25519, "witness": COSIGNATURE}
_COMMENT: Final = re.compile(r"(^|\s)#.*")


def parse_keys(texts: Iterable[tuple[str, str]], kind: KeyKind) -> list[VerifierKey]:
    """The keys of texts, each given with the name that a refusal calls it by; the same key in two texts counts once.

    Raises `verifier-keys-too-long`, `verifier-key-malformed`, `verifier-key-trailing`, `verifier-key-wrong-type`,
    `verifier-key-twice` (in one text), `verifier-key-ambiguous` (another key of that name and id, in any of them).
    """
    found: dict[tuple[str, bytes], tuple[VerifierKey, str, int]] = {}
    for source, text in texts:
        own: dict[VerifierKey, int] = {}
        if len(text) > FILE_MAX:
            raise problem("verifier-keys-too-long", file=source, most=FILE_MAX)
        for line, content in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            if words := _COMMENT.sub("", content).split():
                key = _key(words, kind, source, line)
                if own.setdefault(key, line) != line:
                    raise problem("verifier-key-twice", file=source, line=line, first=own[key])
                known, where, first = found.setdefault((key.name, key.key_id), (key, source, line))
                if known != key:
                    raise problem("verifier-key-ambiguous", file=source, line=line, other=where, first=first)
    return [key for key, _, _ in found.values()]


def _key(words: list[str], kind: KeyKind, source: str, line: int) -> VerifierKey:
    try:
        key = parse_key(words[0])
    except NoteError as error:
        raise problem("verifier-key-malformed", file=source, line=line, reason=str(error)) from error
    if len(words) > 1:
        raise problem("verifier-key-trailing", file=source, line=line)
    if key.kind != _TYPES[kind]:
        raise problem("verifier-key-wrong-type", file=source, line=line, wanted=_TYPES[kind], type=key.kind)
    return key
