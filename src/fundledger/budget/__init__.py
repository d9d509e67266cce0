"""Budget: adopt, allocate by the policy or by factors, release to the districts, the districts' own money, funding.

Every function here *drafts* an instruction (and, where the policy computes the figures, stores what it computed from);
a second person approves it through the book, and the gate posts it. `releases` is the simplest of them.
"""
