-- How far money has come (预算执行情况) by the end of an effective day: one row per account's allocation and project, which
-- execution.py adds up by district, village, fund, programme, project, allocation or execution year. Fen.
--   $1 book that asks (the city's: every district; else its own district)   $2 the city's book   $3 day   $4 fiscal year or null
--   $5 whether a village is the allocation's only, so that an allocation is one row wherever its projects are
-- Totals by effective day (account_day) are read, never transfers, but for what the bank returned.
WITH scope AS MATERIALIZED (
    SELECT a.book, a.allocation_id, a.district, a.origin_book, a.fund_code, a.fiscal_year, a.village_code, a.document_no
    FROM allocation a
    WHERE (a.district = $1 OR $1 = $2) AND ($4::smallint IS NULL OR a.fiscal_year = $4)
), held AS (
    SELECT c.book, c.account_id, c.account_kind, c.allocation_id, c.project_id, c.exec_year, s.district, s.origin_book, s.fund_code,
           s.fiscal_year, s.village_code, s.document_no, sum(d.received)::bigint AS received, sum(d.received - d.given)::bigint AS balance
    FROM scope s
    JOIN account c ON c.book = s.book AND c.allocation_id = s.allocation_id
    JOIN account_day d ON d.book = c.book AND d.account_id = c.account_id AND d.day <= $3
    GROUP BY c.book, c.account_id, s.district, s.origin_book, s.fund_code, s.fiscal_year, s.village_code, s.document_no
)
SELECT h.district, h.fund_code, h.fiscal_year, h.allocation_id, h.document_no, h.project_id, h.exec_year,
       CASE WHEN $5::boolean THEN h.village_code ELSE coalesce(h.village_code, p.village_code) END AS village_code, p.programme_code, p.code AS project_code, p.name AS project_name,
       -- The city's accounts say what it allocated and released; the district's own money is allocated by being adopted.
       CASE WHEN h.account_kind IN ('unreleased', 'released') OR (h.account_kind = 'surplus' AND h.origin_book <> h.district) THEN h.balance
            WHEN h.account_kind = 'budget_source' THEN -h.balance ELSE 0 END AS allocated,
       CASE WHEN h.account_kind = 'released' THEN h.balance
            WHEN h.account_kind = 'budget_source' THEN -h.balance ELSE 0 END AS released,
       CASE WHEN h.account_kind IN ('available', 'advanced', 'paid') THEN h.balance ELSE 0 END AS funded,
       CASE WHEN h.account_kind = 'advanced' THEN h.balance ELSE 0 END AS advanced,
       CASE WHEN h.account_kind IN ('paid', 'paid_other') THEN h.balance ELSE 0 END AS paid,
       CASE WHEN h.account_kind IN ('paid', 'paid_other') THEN r.returned ELSE 0 END AS returned,
       CASE WHEN h.account_kind = 'surplus' THEN h.balance ELSE 0 END AS surplus,
       CASE WHEN h.account_kind = 'unreleased' THEN h.balance ELSE 0 END AS unreleased,
       CASE WHEN h.account_kind IN ('executable', 'available') THEN h.balance ELSE 0 END AS idle,
       greatest($3::date - make_date(h.fiscal_year, 12, 31), 0) AS idle_days
FROM held h
LEFT JOIN LATERAL (SELECT p.village_code, p.programme_code, p.code, p.name FROM project p
    WHERE p.book = h.book AND p.project_id = h.project_id ORDER BY p.version DESC LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(t.amount), 0)::bigint AS returned FROM transfer t
    JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind = 'return' AND e.effective_on <= $3
    WHERE h.account_kind IN ('paid', 'paid_other') AND t.book = h.book AND t.credit_account = h.account_id
      AND t.undoes_entry_id IS NOT NULL) r ON true
