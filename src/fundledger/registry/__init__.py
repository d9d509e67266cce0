"""Who is on the lists: persons, households, enterprises, their numbers, and how those numbers are kept.

`identity` checks the numbers people and enterprises carry (identity number, unified social credit code, bank card)
and invents valid ones that can belong to nobody. `vault` keeps personal data: keyed hashes to find and match by,
sealed text to read back under a key, commitments for the public log, masks for everything that is shown.

Personal data never goes into an error, a log line or a leaf of the sealed log; the texts of this package's problems
name the fault and never the number.
"""
