"""PostgreSQL: starting one, its roles, its migrations, and the transactions of the service.

Who may do what: ``fundledger_owner`` owns the schema and migrates, ``fundledger_service`` is what the running service
connects as (it can neither change nor delete a record), ``fundledger_reader`` is for auditors' own SQL.

- `embedded` starts a PostgreSQL in the data folder when no server is given; `account` (which system user runs it) and
  `postmaster` (processes and their traces) serve it alone.
- `roles` makes the three roles and the database; `migrate` brings a database to the newest schema.
- `urls` turns one kind of database URL into another.

Nothing here knows the business.
"""
