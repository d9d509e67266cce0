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
        ON CONFLICT DO NOTHING RETURNING book, key, record_id)
    SELECT array_agg(i ORDER BY i.item) INTO v_fresh
    FROM unnest(p_items) i JOIN claimed c ON c.book = i.book AND c.key = i.key AND c.record_id = i.entry_id;
    RETURN coalesce(v_fresh, '{}');
END $$;

-- Takes the instructions whole: whoever was adding lines to one has finished, nobody adds any until this call is over, and
-- then the approval it leaves behind refuses them (refuse_late_content).
CREATE FUNCTION gate_lock_instructions(p_items gate_item[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (SELECT DISTINCT i.book, i.instruction_id FROM unnest(p_items) i ORDER BY 1, 2) m
    CROSS JOIN LATERAL (SELECT 1 FROM instruction n WHERE n.book = m.book AND n.instruction_id = m.instruction_id FOR UPDATE) n;
END $$;

-- The checks must see what others committed while this call waited for its locks; with an older snapshot (REPEATABLE
-- READ) a call would post into a month that was closed meanwhile, or beyond a contract.
CREATE FUNCTION gate_refuse_old_snapshot() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'fundledger: the book is written in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
END $$;

-- Posting shares the month's row, closing takes it whole.
CREATE FUNCTION gate_lock_periods(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO period (book, month)
    SELECT m.book, m.month FROM (SELECT DISTINCT l.book, date_trunc('month', l.effective_on)::date AS month FROM unnest(p_legs) l) m
    WHERE m.book IS NOT NULL AND NOT EXISTS (SELECT FROM period p WHERE p.book = m.book AND p.month = m.month)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM (SELECT DISTINCT l.book, date_trunc('month', l.effective_on)::date AS month FROM unnest(p_legs) l ORDER BY 1, 2) m
    CROSS JOIN LATERAL (SELECT 1 FROM period p WHERE p.book = m.book AND p.month = m.month FOR SHARE) p;
END $$;

-- Payments of one project pay one after the other (contract sums), and so do lists of one programme and year
-- (nobody twice). Every version of a project is locked, so that two payments always meet at one of them.
CREATE FUNCTION gate_lock_payments(p_work gate_work[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (SELECT DISTINCT w.book, w.project_id FROM unnest(p_work) w WHERE w.is_payment ORDER BY 1, 2) m
    CROSS JOIN LATERAL (SELECT 1 FROM project p WHERE p.book = m.book AND p.project_id = m.project_id ORDER BY p.version FOR NO KEY UPDATE) p;
    INSERT INTO claim_window (book, programme_code, year)
    SELECT m.book, m.programme_code, m.year
    FROM (SELECT DISTINCT w.book, w.programme_code, left(w.period, 4) AS year FROM unnest(p_work) w WHERE w.payee_kind <> 'organisation') m
    WHERE NOT EXISTS (SELECT FROM claim_window c WHERE c.book = m.book AND c.programme_code = m.programme_code AND c.year = m.year)
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM (SELECT DISTINCT w.book, w.programme_code, left(w.period, 4) AS year FROM unnest(p_work) w
                    WHERE w.payee_kind <> 'organisation' ORDER BY 1, 2, 3) m
    CROSS JOIN LATERAL (SELECT 1 FROM claim_window c WHERE c.book = m.book AND c.programme_code = m.programme_code
                        AND c.year = m.year FOR NO KEY UPDATE) c;
END $$;

-- Accounts the legs need and nobody has opened; a leg that lacks a reference opens none (gate_check_references says so).
CREATE FUNCTION gate_open_accounts(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH wanted AS (
        SELECT DISTINCT l.book, v.account_id, v.kind, k.is_source, g.line, g.allocation, g.project,
               gate_exec_year(v.kind, l.fiscal_year, l.effective_on) AS exec_year
        FROM unnest(p_legs) l
        CROSS JOIN LATERAL (VALUES (l.credit_account, l.payer_kind), (l.debit_account, l.receiver_kind)) v (account_id, kind)
        JOIN account_kind k ON k.account_kind = v.kind
        CROSS JOIN LATERAL (SELECT gate_on_budget_line(v.kind, l.entry_kind) AS on_line, v.kind IN ('available', 'paid') AS on_project) o
        CROSS JOIN LATERAL (SELECT CASE WHEN o.on_line THEN l.budget_line_id END AS line,
            CASE WHEN NOT o.on_line THEN l.allocation_id END AS allocation, CASE WHEN o.on_project THEN l.project_id END AS project) g
        WHERE l.book IS NOT NULL AND l.fiscal_year IS NOT NULL AND coalesce(g.line, g.allocation) IS NOT NULL
          AND (g.project IS NOT NULL OR NOT o.on_project)
          AND NOT EXISTS (SELECT FROM account_balance b WHERE b.book = l.book AND b.account_id = v.account_id OFFSET 0)
    ), opened AS (
        INSERT INTO account (book, account_id, account_kind, budget_line_id, allocation_id, project_id, exec_year)
        SELECT book, account_id, kind, line, allocation, project, exec_year FROM wanted
        ORDER BY book, account_id ON CONFLICT DO NOTHING)
    INSERT INTO account_balance (book, account_id, is_source)
    SELECT book, account_id, is_source FROM wanted ORDER BY book, account_id ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION gate_lock_balances(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (
        SELECT l.book, l.credit_account AS account_id FROM unnest(p_legs) l
        UNION SELECT l.book, l.debit_account FROM unnest(p_legs) l ORDER BY 1, 2) m
    CROSS JOIN LATERAL (SELECT 1 FROM account_balance b WHERE b.book = m.book AND b.account_id = m.account_id FOR NO KEY UPDATE) b;
END $$;

-- Numbers the legs and gives each the totals its accounts have before it. Needs the balances locked.
CREATE FUNCTION gate_totals(p_legs gate_leg[]) RETURNS gate_leg[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(l.ordinality, l.item, l.side, l.book, l.entry_id, l.instruction_id, l.leg_no, l.entry_kind, l.effective_on,
                   l.payer_kind, l.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, l.fiscal_year, l.village_code,
                   l.credit_account, l.debit_account, l.amount, l.undoes_entry_id, l.undoes_line_no, l.undoes_amount,
                   CASE WHEN l.undoes_entry_id IS NOT NULL THEN coalesce(u.undone, 0) + coalesce(sum(l.amount) OVER original, 0) END,
                   c.given + coalesce(sum(l.amount) OVER payer, 0), d.received + coalesce(sum(l.amount) OVER receiver, 0),
                   c.given - c.given_undone + coalesce(sum(l.amount) FILTER (WHERE l.undoes_entry_id IS NULL) OVER payer, 0))::gate_leg
        FROM unnest(p_legs) WITH ORDINALITY AS l
        LEFT JOIN LATERAL (SELECT * FROM account_balance c WHERE c.book = l.book AND c.account_id = l.credit_account OFFSET 0) c ON true
        LEFT JOIN LATERAL (SELECT * FROM account_balance d WHERE d.book = l.book AND d.account_id = l.debit_account OFFSET 0) d ON true
        LEFT JOIN LATERAL (SELECT sum(t.amount) AS undone FROM transfer t WHERE l.undoes_entry_id IS NOT NULL AND t.book = l.book
            AND t.undoes_entry_id = l.undoes_entry_id AND t.undoes_line_no = l.undoes_line_no) u ON true
        WINDOW payer AS (PARTITION BY l.book, l.credit_account ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               receiver AS (PARTITION BY l.book, l.debit_account ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
               original AS (PARTITION BY l.book, l.undoes_entry_id, l.undoes_line_no ORDER BY l.ordinality ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ORDER BY l.ordinality);
END $$;
