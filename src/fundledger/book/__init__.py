"""The book: the double-entry core. Entries made of transfers, balances, statements, reversal, period close.

Who calls whom: business folders (budget, projects, payments) *draft* an instruction (`instructions.draft`), a second
person approves it, and `poster` hands it to the gate, which alone writes entries (``migrations/sql/0001/60_`` to
``66_``). Nothing in Python writes a transfer, and no caller names an account: the gate knows which accounts a kind of
entry moves money between.

Phases of a posting, all inside ``gate_post`` (one round trip, whatever the number of entries and lines):
claim the idempotency keys · share the periods' rows · lock projects and claim windows of payments · lock balances ·
read legs and compute totals · run every check · write.

Locks, always in this order, each set sorted by its key: idempotency keys (book, unit, key); period rows FOR SHARE
(closing takes FOR UPDATE); project rows and claim windows FOR NO KEY UPDATE; balance rows FOR NO KEY UPDATE. Isolation
is READ COMMITTED; checks run in statements that begin after the locks are held, so they see what others committed.

Guaranteed by the database: no entry without an approved instruction of the same content; no balance below zero except
sources, now and on every effective day; totals of an account tile without a gap; closed months take nothing; append
only. `balances` reads; `poster` groups posts that arrive together into one call.
"""
