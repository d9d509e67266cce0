"""Budget: adopt, allocate by the policy or by factors, release to the districts, the districts' own money, funding.

Every function that drafts here *drafts* an instruction (and, where the policy computes the figures, stores what it
computed from); a second person approves it through the book, and the gate posts it. Nothing here takes a lock. The way
of the money: `lines` (预算批复), `plans` with `standards` (M01, M02) and `factors` (M05) and their `computations`,
`releases` (M09), `own` (M03, M04), `funding` (项目安排), `year` (年末处理); `reports` and `year_state` read how far it
came.
"""
