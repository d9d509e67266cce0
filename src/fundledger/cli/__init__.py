"""The command line: the same services as HTTP, for those who run the machine; and `serve`, which starts everything.

`commands` is the list of commands and maps a refusal to an exit code; `places` finds the database that a command is
about (the named one, the running embedded one, or one started for the moment); `serve` brings the service up and takes
it down; `keeper` keeps the sequencer running beside it (`sequencing` is that process); `demonstration` loads the year
that newcomers look at; `logs` decides what a log line may hold. Nothing else imports this package.
"""
