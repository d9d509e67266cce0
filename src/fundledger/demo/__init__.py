"""The demonstration: one fund year (2019) of Wuhan, from the city's budget to households, through the real HTTP API.

Real: the policy's figures and the list of districts, townships and villages (`data/README.md`). Illustrative: which
villages stood on the lists of M01 and M02 (not public; picked by the fixed seed SEED), all figures of M03 to M05.
Synthetic: every person, household and organisation; identity numbers use the impossible area 999999, so that they can
belong to nobody.

`load` runs it: `offices` (people and tokens), `villages` (the lists), `people` (households), `budget`, `district` (one
district's work) and `planted` (the cases an inspector should find, listed in README.md here). `caller` is the client.
"""
