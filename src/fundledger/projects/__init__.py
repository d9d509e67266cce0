"""Projects: the district's records that a payment must show (五到区, design section 4; domain.md 2.5).

- 项目 projects (`library`; M07, M08, M10): proposed by one person, approved by another of the same district; no target,
  no approval; the city has no verb to approve.
- 招投标 tendering (`procurements`, `contracts`, `ocds`; domain.md 2.11): notice, bids, award, contract and its approved
  changes, or an exemption that category and amount allow, each with evidence; a project may have several.
- 管理 management (`acceptances`, `claims`, `evidence`, `notices`; M11, domain.md 2.7, 2.10): progress and final
  acceptance; claims with vouchers, decided by a second person; documents kept under their hash; notices say what was
  up where, from when to when, over what amount.
- 责任 responsibility (`officers`; domain.md 2.5 H14): terms of office of named officers; a new version ends a term.

资金 funds are not a record: the accounts of the district's own book are. Every record is append-only and versioned:
the newest version counts, the earlier ones stay. A version is numbered by who writes it (`version` = newest + 1), so
that two people who edit at once cannot both win (`version-taken`). A unit named by a record belongs to the record's
book (a foreign key says so). `records` holds what they share, `tables` their rows. Nothing here moves
money; triggers on procurements, bids, changes and acceptances hold the project's row like a payment does.
"""
