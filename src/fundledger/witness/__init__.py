"""The witness (见证): what an audit office runs beside the log of a bureau it does not have to trust.

`core` decides about one checkpoint, for `following` (fetches from the log) and `server` (C2SP ``tlog-witness``) alike;
`store` keeps what was seen, `alarms` what contradicts it. `promises` checks receipts, `monitor` reads the whole log and
adds it up again (`book` holds the rules). No database of the service is needed, only HTTP and a folder of its own.
"""
