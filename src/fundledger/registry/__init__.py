"""Where and who: divisions, the yearly village lists, households and persons with their history, rosters, payees.

- `divisions` (行政区划) and `village_lists` (年度村名单, M01 and M02): where money is for.
- `household_file` reads an uploaded register, `households` keeps it, `statuses` and `rosters` record what changes from
  a day on (`changes` is what both have in common), `as_of` reads a household as of a date, `persons` finds and masks.
- `organisations`: payees that are no people. `resolve`: numbers of a payment list to ids, in one query for all.
- `imports`: preview, record and statistics of an upload. `cells`: reading a row, and the place of each fault.
- `identity` checks the numbers people, enterprises and cards carry, and invents ones that can belong to nobody. `vault`
  keeps personal data: keyed hashes to match by, sealed text, commitments for the public log, masks for what is shown.

The edges call these; payments call `resolve`; the gate reads the same tables in SQL. Everything is append-only and an
upload is taken whole or not at all. No locks are taken: unique keys decide between two calls at once.

Personal data never goes into an error, a log line or a leaf of the sealed log; the texts of this package's problems
name the fault and never the number.
"""
