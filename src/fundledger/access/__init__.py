"""Who may do what: named people of units, their duties, their tokens, and the rule each route declares.

A token is 256 random bits, shown once, stored as SHA-256. The people themselves are added by the owner's CLI
(`fundledger token`), never by the running service: its database role can't insert a person, so it can't invent an
approver. `tokens` authenticates, `policy` says what a route demands, `tables` are the rows.
"""
