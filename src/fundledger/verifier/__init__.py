"""The offline verifier of bundles and proofs (离线核验): without database and network; only the file named is read.

`run.verify_bundle` reads a bundle twice: once to see that its members are what the manifest says (and what later lines
refer to), once in the order of the log, with every check of the table in `checks`. `container` opens the ZIP,
`manifest` and `schema` say what stands in it, `trust` whose signatures count, `walk` leads the second reading over
`money`, `approvals` and `five`; `slices` follows a trail, `report` is the answer. Memory: totals per account and what
is still open; never the bundle. `proof_file` checks proof files, lines and trails of the HTTP routes.

The rules of the book stand here a second time, on purpose, and a third time in `witness.book`: a mistake of the gate,
which is SQL, must not be repeated by what checks it. Hashing, notes and keys are `sealing`'s.

Whatever a file holds, the answer is a report or a `FundledgerError`.
"""
