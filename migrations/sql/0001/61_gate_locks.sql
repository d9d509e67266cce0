-- The gate (2 of 7): idempotency keys, locks, accounts and totals.

-- Binds fresh keys to the entries to be; returns the items whose key was free. A concurrent holder of the key is waited
-- for; keys are taken in sorted order, so two batches can't wait for each other.
CREATE FUNCTION gate_claim(p_items gate_item[]) RETURNS gate_item[]
LANGUAGE plpgsql AS $$
DECLARE v_fresh gate_item[];
BEGIN
    WITH claimed AS (
        INSERT INTO idempotency (book, unit_id, key, request_sha256, kind, record_id)
        SELECT i.book, s.unit_id, i.key, i.request_sha256, 'entry', i.entry_id
        FROM unnest(p_items) i JOIN staff s ON s.book = i.book AND s.staff_id = i.actor_id
        ORDER BY i.book, s.unit_id, i.key
        ON CONFLICT DO NOTHING RETURNING record_id)
    SELECT array_agg(i ORDER BY i.item) INTO v_fresh
    FROM unnest(p_items) i WHERE i.entry_id IN (SELECT record_id FROM claimed);
    RETURN v_fresh;
END $$;

-- Posting shares the month's row, closing takes it whole.
CREATE FUNCTION gate_lock_periods(p_items gate_item[], p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO period (book, month)
    SELECT DISTINCT l.book, date_trunc('month', l.effective_on)::date FROM unnest(p_legs) l
    WHERE l.book IS NOT NULL
      AND NOT EXISTS (SELECT FROM period p WHERE p.book = l.book AND p.month = date_trunc('month', l.effective_on)::date)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM period p
    WHERE (p.book, p.month) IN (SELECT DISTINCT l.book, date_trunc('month', l.effective_on)::date FROM unnest(p_legs) l)
    ORDER BY p.book, p.month FOR SHARE;
END $$;

-- Payments of one project pay one after the other (contract sums), and so do lists of one programme and period
-- (nobody twice). The project's first version stands for the project.
CREATE FUNCTION gate_lock_payments(p_items gate_item[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM project p
    WHERE p.version = 1 AND (p.book, p.project_id) IN (
        SELECT l.book, l.project_id FROM unnest(p_items) i
        JOIN payment_list l ON l.book = i.book AND l.instruction_id = i.instruction_id)
    ORDER BY p.book, p.project_id FOR NO KEY UPDATE;
    INSERT INTO claim_window (book, programme_code, period)
    SELECT DISTINCT l.book, l.programme_code, l.period FROM unnest(p_items) i
    JOIN payment_list l ON l.book = i.book AND l.instruction_id = i.instruction_id
    WHERE l.payee_kind <> 'organisation' AND NOT EXISTS (SELECT FROM claim_window w
        WHERE w.book = l.book AND w.programme_code = l.programme_code AND w.period = l.period)
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM claim_window w
    WHERE (w.book, w.programme_code, w.period) IN (
        SELECT l.book, l.programme_code, l.period FROM unnest(p_items) i
        JOIN payment_list l ON l.book = i.book AND l.instruction_id = i.instruction_id
        WHERE l.payee_kind <> 'organisation')
    ORDER BY w.book, w.programme_code, w.period FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION gate_open_accounts(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH wanted AS (
        SELECT DISTINCT l.book, v.account_id, v.kind, k.is_source,
               CASE WHEN gate_on_budget_line(v.kind, l.entry_kind) THEN l.budget_line_id END AS budget_line_id,
               CASE WHEN gate_on_budget_line(v.kind, l.entry_kind) THEN NULL ELSE l.allocation_id END AS allocation_id,
               CASE WHEN v.kind IN ('available', 'paid') THEN l.project_id END AS project_id,
               gate_exec_year(v.kind, l.fiscal_year, l.effective_on) AS exec_year
        FROM unnest(p_legs) l
        CROSS JOIN LATERAL (VALUES (l.credit_account, l.payer_kind), (l.debit_account, l.receiver_kind)) v (account_id, kind)
        JOIN account_kind k ON k.account_kind = v.kind
        WHERE l.book IS NOT NULL AND v.account_id IS NOT NULL AND l.fiscal_year IS NOT NULL
          AND (l.project_id IS NOT NULL OR v.kind NOT IN ('available', 'paid'))
          AND (l.budget_line_id IS NOT NULL OR NOT gate_on_budget_line(v.kind, l.entry_kind))
          AND (l.allocation_id IS NOT NULL OR gate_on_budget_line(v.kind, l.entry_kind))
          AND NOT EXISTS (SELECT FROM account_balance b WHERE b.book = l.book AND b.account_id = v.account_id)
    ), opened AS (
        INSERT INTO account (book, account_id, account_kind, budget_line_id, allocation_id, project_id, exec_year)
        SELECT book, account_id, kind, budget_line_id, allocation_id, project_id, exec_year FROM wanted
        ORDER BY book, account_id ON CONFLICT DO NOTHING
    )
    INSERT INTO account_balance (book, account_id, is_source)
    SELECT book, account_id, is_source FROM wanted ORDER BY book, account_id ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION gate_lock_balances(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM account_balance b
    WHERE (b.book, b.account_id) IN (
        SELECT l.book, l.credit_account FROM unnest(p_legs) l
        UNION SELECT l.book, l.debit_account FROM unnest(p_legs) l)
    ORDER BY b.book, b.account_id FOR NO KEY UPDATE;
END $$;

-- Numbers the legs and gives each the totals its accounts have before it. Needs the balances locked.
CREATE FUNCTION gate_totals(p_legs gate_leg[]) RETURNS gate_leg[]
LANGUAGE plpgsql AS $$
DECLARE v_legs gate_leg[];
BEGIN
    SELECT array_agg(ROW(l.ordinality, l.item, l.side, l.book, l.entry_id, l.instruction_id, l.leg_no, l.entry_kind, l.effective_on,
               l.payer_kind, l.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, l.fiscal_year, l.credit_account,
               l.debit_account, l.amount, l.undoes_entry_id, l.undoes_line_no, l.undoes_amount, l.undone, l.given, l.received,
               l.spent)::gate_leg ORDER BY l.ordinality) INTO v_legs
    FROM (
        SELECT l.*, c.given + coalesce(sum(l.amount) OVER payer, 0) AS given, d.received + coalesce(sum(l.amount) OVER receiver, 0) AS received,
               c.given - c.given_undone + coalesce(sum(l.amount) FILTER (WHERE l.undoes_entry_id IS NULL) OVER payer, 0) AS spent,
               CASE WHEN l.undoes_entry_id IS NOT NULL THEN coalesce(u.undone, 0) + coalesce(sum(l.amount) OVER original, 0) END AS undone
        FROM unnest(p_legs) WITH ORDINALITY AS l
        LEFT JOIN account_balance c ON c.book = l.book AND c.account_id = l.credit_account
        LEFT JOIN account_balance d ON d.book = l.book AND d.account_id = l.debit_account
        LEFT JOIN LATERAL (
            SELECT sum(t.amount) AS undone FROM transfer t WHERE l.undoes_entry_id IS NOT NULL AND t.book = l.book
               AND t.undoes_entry_id = l.undoes_entry_id AND t.undoes_line_no = l.undoes_line_no) u ON true
        WINDOW payer AS (PARTITION BY l.book, l.credit_account ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               receiver AS (PARTITION BY l.book, l.debit_account ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               original AS (PARTITION BY l.book, l.undoes_entry_id, l.undoes_line_no ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) l;
    RETURN v_legs;
END $$;
