"""The trail (资金流向追溯): where one particular yuan came from and where it went, exact to the fen, both directions.

Who calls whom: `api/trail` asks `starts` for the transfers a question is about, `walk` follows them hop by hop with
`hops` (SQL) over `queue` (pure arithmetic), and `describe` names the accounts, entries and payees that were met. Only
reads; no locks; one snapshot (the caller's REPEATABLE READ transaction).

The convention (docs/decisions/0002-trail.md): an account is a queue, first in first out, of slices received and given
in lock order. What was undone left by reference, not by turn: it is cut out of both sides before they are matched.

Guaranteed: every hop hands on exactly the fen it was given (`TrailBrokenError` otherwise, a bug or a damaged book,
never a wrong answer); the ends of a trail add up to what was asked for; the number of round trips depends on the number
of hops, not of lines; a statement never spans two books.
"""
