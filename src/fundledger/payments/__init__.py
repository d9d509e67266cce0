"""Payments (支付): lists of payees uploaded as JSON or CSV, approved, paid, and what the bank said of them.

A payment list (发放清单) is an instruction of kind `pay`: one leg per source of money, one line per payee. Its way:
`lists.take_list` (upload, or preview: the same, rolled back) · the list is published in the village (公示) ·
`paying.approve_list` by a second person, who names its SHA-256 · `book.poster` by a third, from finance · the bank's
file, `returns.take_results`: credited posts nothing, returned drafts a return (退票) that a second person posts.

Who calls whom: `api` reads the body through `uploads` (JSON or CSV as rows with places), `forms` and `lines` check the
rows without a database, `sources` spreads them over the allocations, `resolve` finds the payees, `store` writes with
COPY, and the gate's own checks (``payment_faults``) say what else is wrong. All faults of a list come back at once.

Guaranteed: a list is taken whole or not at all; a name, identity number or card stands nowhere but sealed in
`payment_line_private`; no fault, log line or refusal contains one. No lock is taken before the gate is called.
"""
