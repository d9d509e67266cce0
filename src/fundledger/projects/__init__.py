"""Projects: the district's records that a payment must show (五到区, design section 4; domain.md 2.5).

| 五到区 | records here | what is true of them |
|---|---|---|
| 项目 projects (M07, M08, M10) | `library` | proposed by one person, approved by another of the same district; no target, no approval; the city has no verb to approve |
| 招投标 tendering (domain.md 2.11) | `procurements` | one record a project: an award with contract, or an exemption that its category and amount allow, each with evidence |
| 管理 management (M11, domain.md 2.7) | `acceptances`, `notices` | acceptance with evidence; notices say what was up where, from when to when, over what amount |
| 责任 responsibility (domain.md 2.5 H14) | `officers` | terms of office of named officers; a term is ended by a new version |

资金 funds are not a record: the accounts of the district's own book are. Every record is append-only and versioned: the
newest version counts, the earlier ones stay. A version is numbered by who writes it (`version` = newest + 1), so that
two people who edit at once cannot both win (`version-taken`). A unit named by a record belongs to the record's book (a
foreign key says so). `records` holds what they share, `tables` their rows. Nothing here takes a lock or moves money.
"""
