-- The gate: checks that every posting must pass, where this revision changes them (see 0001/63_).

-- Header, legs and lines add up.
CREATE OR REPLACE FUNCTION gate_check_sums(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS (
        SELECT l.item, l.amount, p.amount AS lines_amount, p.lines FROM unnest(p_legs) l
        LEFT JOIN LATERAL (SELECT coalesce(sum(p.amount), 0) AS amount, count(*) AS lines FROM payment_line p
            WHERE l.is_payment AND p.book = l.book AND p.instruction_id = l.instruction_id AND p.leg_no = l.leg_no) p ON true
        WHERE l.side = 1
    ), summed AS (
        SELECT l.item, sum(l.amount) AS amount, count(*) AS legs, sum(l.lines) AS lines, bool_or(l.amount <> l.lines_amount) AS differ
        FROM leg l GROUP BY l.item
    ), lines AS (
        SELECT w.item, c.lines FROM unnest(p_work) w CROSS JOIN LATERAL (SELECT count(*) AS lines FROM payment_line p
            WHERE w.is_payment AND p.book = w.book AND p.instruction_id = w.instruction_id) c WHERE w.is_payment
    )
    SELECT w.item, 'posting', 'totals-differ', NULL::integer, '{}'::jsonb
    FROM unnest(p_work) w LEFT JOIN summed s ON s.item = w.item LEFT JOIN lines c ON c.item = w.item
    WHERE w.entry_kind IS NOT NULL AND NOT w.is_undo AND (s.amount IS DISTINCT FROM w.total
        OR (NOT w.is_payment AND s.legs IS DISTINCT FROM w.line_count)
        OR (w.is_payment AND (s.differ OR s.lines IS DISTINCT FROM w.line_count OR c.lines IS DISTINCT FROM w.line_count
            OR w.project_id IS NULL AND NOT w.outside_five)))
    UNION ALL
    SELECT w.item, 'posting', 'totals-differ', NULL, '{}'
    FROM unnest(p_work) w CROSS JOIN LATERAL (SELECT sum(l.amount) AS amount, count(*) AS legs FROM instruction_leg l
        WHERE w.is_undo AND l.book = w.book AND l.instruction_id = w.instruction_id) s
    WHERE w.is_undo AND (s.amount IS DISTINCT FROM w.total OR s.legs IS DISTINCT FROM w.line_count)
$$;

-- Rule 10 and 责任到区: an accountable officer of this book, in office that day; a supervising one for district money.
CREATE OR REPLACE FUNCTION gate_check_officers(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT w.item, 'responsibility', CASE WHEN r.role = 'accountable' THEN 'officer-not-in-office' ELSE 'supervisor-not-in-office' END,
           NULL::integer, jsonb_build_object('effective_on', w.effective_on)
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (VALUES ('accountable', w.officer_id), ('supervising', w.supervisor_id)) r (role, officer_id)
    LEFT JOIN LATERAL (SELECT o.* FROM officer_term o WHERE o.book = w.book AND o.officer_id = r.officer_id
                       ORDER BY o.version DESC LIMIT 1) o ON true
    WHERE w.entry_kind IS NOT NULL
      AND (r.role = 'accountable' OR w.entry_kind IN ('pay', 'advance', 'settle', 'fund') OR r.officer_id IS NOT NULL)
      AND (o.role = r.role AND w.effective_on BETWEEN o.valid_from AND coalesce(o.valid_to, 'infinity')) IS NOT TRUE
    UNION ALL   -- two people, and not one under two titles: told apart by 工号, or else by name
    SELECT w.item, 'responsibility', 'officers-not-distinct', NULL, '{}'
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT o.* FROM officer_term o WHERE o.book = w.book AND o.officer_id = w.officer_id
                        ORDER BY o.version DESC LIMIT 1) a
    CROSS JOIN LATERAL (SELECT o.* FROM officer_term o WHERE o.book = w.book AND o.officer_id = w.supervisor_id
                        ORDER BY o.version DESC LIMIT 1) s
    WHERE w.entry_kind IS NOT NULL AND coalesce(a.person_no = s.person_no, a.name = s.name)
$$;

-- Rule 3: no account below zero after any transfer, and none at the end of any effective day.
CREATE OR REPLACE FUNCTION gate_check_balances(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH event AS MATERIALIZED (
        SELECT e.*, b.received - b.given AS start, b.last_effective_on FROM (
            SELECT l.item, l.ord, l.book, l.credit_account AS account_id, -l.amount AS delta, l.effective_on, l.entry_kind FROM unnest(p_legs) l
            UNION ALL
            SELECT l.item, l.ord, l.book, l.debit_account, l.amount, l.effective_on, l.entry_kind FROM unnest(p_legs) l) e
        CROSS JOIN LATERAL (SELECT * FROM account_balance b WHERE b.book = e.book AND b.account_id = e.account_id OFFSET 0) b
        WHERE NOT b.is_source
    ), running AS (
        SELECT e.*, e.start + sum(e.delta) OVER (PARTITION BY e.book, e.account_id ORDER BY e.ord) AS balance FROM event e
    ), late AS (
        SELECT e.book, e.account_id FROM event e GROUP BY 1, 2
        HAVING min(e.effective_on) < greatest(max(e.effective_on), max(e.last_effective_on))
    ), by_day AS (
        SELECT x.book, x.account_id, x.day, sum(sum(x.delta)) OVER (PARTITION BY x.book, x.account_id ORDER BY x.day) AS balance
        FROM (SELECT d.book, d.account_id, d.day, d.received - d.given AS delta
              FROM late CROSS JOIN LATERAL (SELECT * FROM account_day d WHERE d.book = late.book AND d.account_id = late.account_id OFFSET 0) d
              UNION ALL SELECT e.book, e.account_id, e.effective_on, e.delta
              FROM late JOIN event e ON e.book = late.book AND e.account_id = late.account_id) x
        GROUP BY x.book, x.account_id, x.day
    ), broken AS (
        SELECT DISTINCT ON (r.item, r.book, r.account_id) r.item, r.entry_kind, 'balance-insufficient' AS code, r.book, r.account_id, NULL::date AS day, r.balance
        FROM running r WHERE r.balance < 0 AND r.delta < 0
        UNION ALL
        SELECT DISTINCT ON (e.item, e.book, e.account_id) e.item, e.entry_kind, 'balance-insufficient-on-day', e.book, e.account_id, d.day, d.balance
        FROM by_day d JOIN event e ON e.book = d.book AND e.account_id = d.account_id AND e.delta < 0 AND e.effective_on <= d.day
        WHERE d.balance < 0
    )
    SELECT b.item, CASE WHEN b.entry_kind IN ('pay', 'advance', 'pay_other') THEN 'funds' ELSE 'posting' END, b.code, NULL::integer,
           jsonb_strip_nulls(gate_account_params(b.book, b.account_id) || jsonb_build_object('day', b.day, 'shortfall', -b.balance))
    FROM broken b
$$;

-- A leg whose references lead nowhere has no account: name what is missing.
CREATE OR REPLACE FUNCTION gate_check_references(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT l.item, 'posting', CASE WHEN l.entry_kind IN ('adopt', 'allocate') THEN 'budget-line-not-found'
                                   WHEN l.entry_kind IN ('fund', 'pay', 'advance', 'defund') AND l.project_id IS NULL THEN 'project-not-in-library'
                                   WHEN l.entry_kind = 'settle' AND l.credit_account IS NULL THEN 'advance-not-found'
                                   WHEN l.entry_kind = 'advance' AND l.payee_id IS NULL THEN 'advance-without-payee'
                                   ELSE 'allocation-not-found' END, l.leg_no, '{}'::jsonb
    FROM unnest(p_legs) l WHERE l.book IS NULL OR l.debit_before IS NULL OR l.credit_before IS NULL
    UNION ALL   -- a payment from a past year's account is looked at by gate_check_funds
    SELECT l.item, 'posting', 'past-year-money', l.leg_no, jsonb_build_object('exec_year', l.named_year) FROM unnest(p_legs) l
    WHERE l.named_year IS NOT NULL AND l.side = 1 AND l.entry_kind NOT IN ('pay', 'pay_other', 'carry_over', 'defund', 'recover', 'surplus_own')
    UNION ALL
    SELECT w.item, 'posting', 'undo-kind', g.leg_no, jsonb_build_object('kind', w.entry_kind) FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg g WHERE g.book = w.book AND g.instruction_id = w.instruction_id OFFSET 0) g
    WHERE NOT w.is_undo AND (g.undoes_entry_id IS NOT NULL OR g.undoes_line_no IS NOT NULL)
    UNION ALL
    SELECT w.item, 'posting', 'undo-not-found', g.leg_no, '{}' FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg g WHERE w.is_undo AND g.book = w.book AND g.instruction_id = w.instruction_id OFFSET 0) g
    WHERE NOT EXISTS (SELECT FROM transfer t WHERE t.book = w.book AND t.entry_id = g.undoes_entry_id AND t.line_no = g.undoes_line_no OFFSET 0)
$$;

CREATE OR REPLACE FUNCTION gate_account_params(p_book bigint, p_account uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('book', a.book::text, 'account_kind', a.account_kind, 'allocation_id', a.allocation_id,
        'budget_line_id', a.budget_line_id, 'project_id', a.project_id, 'exec_year', a.exec_year)
    FROM account a WHERE a.book = p_book AND a.account_id = p_account
$$;
