-- Budget and projects: what auditors and lists read (figures of budget lines and allocations, findings of the floors), the
-- indexes of those lists, and one rule of the project records that an index can say.

CREATE INDEX allocation_fiscal_year ON allocation (fiscal_year, fund_code, district);
CREATE INDEX entry_release ON entry (order_no) WHERE entry_kind = 'release';

-- One procurement record a project (招投标到区): a second one would hide the first. Changes are versions of it.
CREATE UNIQUE INDEX procurement_one_per_project ON procurement (book, project_id) WHERE version = 1;

CREATE VIEW budget_line_status AS            -- 预算执行: adopted, and what is not allocated yet; fen
    SELECT l.book, l.budget_line_id, l.fund_code, l.fiscal_year, l.document_no,
           coalesce(s.given - s.received, 0) AS adopted, coalesce(u.received - u.given, 0) AS unallocated
    FROM budget_line l
    LEFT JOIN account_balance s ON s.book = l.book
        AND s.account_id = account_key('budget_source', l.budget_line_id, NULL, NULL, l.fiscal_year)
    LEFT JOIN account_balance u ON u.book = l.book
        AND u.account_id = account_key('unreleased_budget', l.budget_line_id, NULL, NULL, l.fiscal_year);

-- 指标执行: how far each allocation has come; fen. A report that fans out: an allocation of the city's money has accounts in
-- the city's book and in the district's. The district's own money counts as released when it is adopted.
CREATE VIEW allocation_status AS
    SELECT a.book, a.allocation_id, a.origin_book, a.district, a.fund_code, a.fiscal_year, a.village_code, a.document_no,
           a.supplementary_document_no, a.budget_line_id, a.entry_id, f.allocated, f.released, f.executable, f.funded, f.paid
    FROM allocation a
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.balance) FILTER (WHERE x.kind IN ('unreleased', 'released')), 0)::bigint
                   - coalesce(sum(x.balance) FILTER (WHERE x.kind = 'budget_source'), 0)::bigint AS allocated,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'released'), 0)::bigint
                   - coalesce(sum(x.balance) FILTER (WHERE x.kind = 'budget_source'), 0)::bigint AS released,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'executable'), 0)::bigint AS executable,
               coalesce(sum(x.balance) FILTER (WHERE x.kind IN ('available', 'paid')), 0)::bigint AS funded,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'paid'), 0)::bigint AS paid
        FROM (SELECT c.account_kind AS kind, b.received - b.given AS balance FROM account c
              JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
              WHERE c.allocation_id = a.allocation_id) x) f;

-- Below the floor (M03, M04) in spite of it: adopted with a document, or shown by the final accounts. A year for which a
-- figure is declared and nothing adopted yet is no finding before the final accounts.
CREATE VIEW floor_finding AS
    SELECT t.book, t.fund_code, t.fiscal_year, t.declared, t.floor_amount, t.adopted, t.shortfall, t.is_final,
           CASE WHEN t.is_final THEN 'final-accounts' WHEN x.documents <> '{}' THEN 'exception' ELSE 'declared-again' END AS reason,
           x.documents AS exception_documents
    FROM floor_test t
    CROSS JOIN LATERAL (SELECT coalesce(array_agg(DISTINCT a.supplementary_document_no), '{}') AS documents FROM allocation a
        WHERE a.book = t.book AND a.fund_code = t.fund_code AND a.fiscal_year = t.fiscal_year
          AND a.supplementary_document_no IS NOT NULL) x
    WHERE t.shortfall > 0 AND (t.is_final OR t.adopted > 0);
