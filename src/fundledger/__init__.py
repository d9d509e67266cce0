"""fundledger: an append-only double-entry ledger for poverty-relief money (after 武扶组(2018)12号)."""
