"""The offline verifier of bundles (离线核验): pure, without database and network.

`run.verify_bundle` reads a bundle twice: once to see that its members are what the manifest says (and what later lines
refer to), once in the order of the log, with every check of the table in `checks`. Memory: totals per account and what
is still open; never the bundle. Whatever a bundle holds, the answer is a report or a `FundledgerError`.
"""
