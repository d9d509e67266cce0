-- What was posted under an officer (离任审计, M37), and what became of it by the last day asked for. Fen.
--   $1 book   $2 officer   $3 first day   $4 last day        {column}: officer_id or supervisor_id
-- `effect`: posted; undone (bank returns, reversals, advances given back); settled (advances, less what was reversed). The
-- last two are counted whoever posted them, if not later than $4.
WITH mine AS MATERIALIZED (
    SELECT e.book, e.entry_id, e.entry_kind, e.instruction_id FROM entry e
    WHERE e.{column} = $2 AND e.book = $1 AND e.effective_on BETWEEN $3 AND $4
), effect AS (
    SELECT 'posted' AS effect, m.entry_id, m.entry_kind, m.instruction_id, t.debit_account, t.credit_account, count(*) AS transfers,
           sum(t.amount)::bigint AS amount
    FROM mine m
    CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = m.book AND t.entry_id = m.entry_id OFFSET 0) t
    GROUP BY m.entry_id, m.entry_kind, m.instruction_id, t.debit_account, t.credit_account
    UNION ALL
    SELECT 'undone', m.entry_id, m.entry_kind, m.instruction_id, u.debit_account, u.credit_account, count(*), sum(u.amount)::bigint
    FROM mine m
    CROSS JOIN LATERAL (SELECT * FROM transfer u WHERE u.book = m.book AND u.undoes_entry_id = m.entry_id OFFSET 0) u
    JOIN entry x ON x.book = u.book AND x.entry_id = u.entry_id AND x.effective_on <= $4
    GROUP BY m.entry_id, m.entry_kind, m.instruction_id, u.debit_account, u.credit_account
    UNION ALL
    SELECT 'settled', m.entry_id, m.entry_kind, m.instruction_id, s.debit_account, s.credit_account, count(*), sum(s.amount - r.reversed)::bigint
    FROM mine m
    CROSS JOIN LATERAL (SELECT * FROM transfer s WHERE s.book = m.book AND s.settles_entry_id = m.entry_id AND m.entry_kind = 'advance' OFFSET 0) s
    JOIN entry x ON x.book = s.book AND x.entry_id = s.entry_id AND x.effective_on <= $4
    CROSS JOIN LATERAL (SELECT coalesce(sum(u.amount), 0) AS reversed FROM transfer u
        JOIN entry y ON y.book = u.book AND y.entry_id = u.entry_id AND y.effective_on <= $4
        WHERE u.book = s.book AND u.undoes_entry_id = s.entry_id AND u.undoes_line_no = s.line_no) r
    GROUP BY m.entry_id, m.entry_kind, m.instruction_id, s.debit_account, s.credit_account
), placed AS (
    SELECT f.effect, f.entry_id, f.entry_kind, f.transfers, f.amount, coalesce(a.fund_code, b.fund_code) AS fund_code,
           coalesce(a.fiscal_year, b.fiscal_year) AS fiscal_year, v.project_id, l.programme_code
    FROM effect f
    JOIN account d ON d.book = $1 AND d.account_id = f.debit_account
    JOIN account c ON c.book = $1 AND c.account_id = f.credit_account
    CROSS JOIN LATERAL (SELECT coalesce(d.project_id, c.project_id) AS project_id, coalesce(d.allocation_id, c.allocation_id) AS allocation_id,
        coalesce(d.budget_line_id, c.budget_line_id) AS budget_line_id) v
    LEFT JOIN allocation a ON a.book = $1 AND a.allocation_id = v.allocation_id
    LEFT JOIN budget_line b ON b.book = $1 AND b.budget_line_id = v.budget_line_id
    LEFT JOIN LATERAL (SELECT l.programme_code FROM payment_list l WHERE l.book = $1 AND l.instruction_id = f.instruction_id OFFSET 0) l ON true
)
SELECT p.effect, p.entry_kind, p.fund_code, p.fiscal_year, coalesce(p.programme_code, j.programme_code) AS programme_code, p.project_id,
       j.code AS project_code, j.name AS project_name, count(DISTINCT p.entry_id) AS entries, sum(p.transfers)::bigint AS transfers,
       sum(p.amount)::bigint AS amount
FROM placed p
LEFT JOIN LATERAL (SELECT j.* FROM project j WHERE j.book = $1 AND j.project_id = p.project_id ORDER BY j.version DESC LIMIT 1) j ON true
GROUP BY p.effect, p.entry_kind, p.fund_code, p.fiscal_year, coalesce(p.programme_code, j.programme_code), p.project_id, j.code, j.name
ORDER BY p.effect, p.entry_kind, p.fund_code, p.fiscal_year, programme_code, p.project_id
