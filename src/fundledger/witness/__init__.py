"""The witness (见证): what an audit office runs beside the log of a bureau it does not have to trust.

`core` decides about one checkpoint, for `following` (fetches from the log through `client`) and `server` (C2SP
``tlog-witness``) alike; `store` keeps what was seen, `alarms` what contradicts it, `keyfile` the witness's own key,
`trusting` reads the log's. `promises` checks receipts.

`monitor` reads the whole log, hashes it and adds it up again: `book` holds the rules, `ledger` the figures, `faults`
what can be wrong. The rules are written again on purpose and share nothing with the gate or with `verifier.money`.

Called by `cli.witness` only. No database of the service is needed, only HTTP and a folder of its own; SQLite's write
lock makes several processes on one folder safe.
"""
