"""The sealed log: how anyone can prove, offline, that the book was not changed since they last looked (design 5).

Bytes and hashes, pure: `canonical` (RFC 8785 JSON), `leaf` (what a record's leaf and line say), `content` (what an
approver names), `merkle` (the RFC 6962 tree), `spans` (which stored nodes a proof needs), `inner` (the tree of an
entry's lines). Signed texts, pure: `note`, `checkpoint` (and proof files), `receipt`; `keys` is the file they are
signed with.

Writing: `sequencer`, one at a time under an advisory lock, reads what was committed (`records`), appends it, grows the
tree and has it signed (`signing`). Witnesses' signatures come later (`cosigning`).

Reading, for the HTTP routes and exports: `log`, `feed` (the whole log as a stream), `published` (checkpoints), `tree`
and `inner_read` (paths), `proofs`. Checking: `verify` (`checks`, `recheck`) and `standing`; all take no locks.

Guaranteed: positions have no gap and never change; nothing is signed that does not continue what was signed before. A
proof shows that the book was not changed. It does not show that the cash arrived.
"""
