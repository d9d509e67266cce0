-- The gate: accounts and totals, for legs that may name a past year, another allocation or a payee (see 0001/61_).

-- Accounts the legs need and nobody has opened, as 0001/61_ says; the year, the receiving allocation and the payee are the
-- leg's. An account of an advance needs its payee. (gate_lock_payments stands in 65_gate_funds.sql.)
CREATE OR REPLACE FUNCTION gate_open_accounts(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH wanted AS (
        SELECT DISTINCT l.book, v.account_id, v.kind, k.is_source, g.line, g.allocation, g.project, v.year AS exec_year, g.payee
        FROM unnest(p_legs) l
        CROSS JOIN LATERAL (VALUES (l.credit_account, l.payer_kind, l.payer_year, l.allocation_id),
                                   (l.debit_account, l.receiver_kind, l.receiver_year, coalesce(l.to_allocation_id, l.allocation_id)))
            v (account_id, kind, year, allocation)
        JOIN account_kind k ON k.account_kind = v.kind
        CROSS JOIN LATERAL (SELECT gate_on_budget_line(v.kind, l.entry_kind) AS on_line, gate_on_project(v.kind) AS on_project) o
        CROSS JOIN LATERAL (SELECT CASE WHEN o.on_line THEN l.budget_line_id END AS line,
            CASE WHEN NOT o.on_line THEN v.allocation END AS allocation, CASE WHEN o.on_project THEN l.project_id END AS project,
            CASE WHEN v.kind = 'advanced' THEN l.payee_id END AS payee) g
        WHERE l.book IS NOT NULL AND l.fiscal_year IS NOT NULL AND v.account_id IS NOT NULL AND v.year IS NOT NULL AND coalesce(g.line, g.allocation) IS NOT NULL
          AND (g.project IS NOT NULL OR NOT o.on_project) AND (g.payee IS NOT NULL OR v.kind <> 'advanced')
          AND NOT EXISTS (SELECT FROM account_balance b WHERE b.book = l.book AND b.account_id = v.account_id OFFSET 0)
    ), opened AS (
        INSERT INTO account (book, account_id, account_kind, budget_line_id, allocation_id, project_id, exec_year, payee_id)
        SELECT book, account_id, kind, line, allocation, project, exec_year, payee FROM wanted
        ORDER BY book, account_id ON CONFLICT DO NOTHING)
    INSERT INTO account_balance (book, account_id, is_source)
    SELECT book, account_id, is_source FROM wanted ORDER BY book, account_id ON CONFLICT DO NOTHING;
END $$;

-- Numbers the legs and gives each the totals its accounts have before it. Needs the balances locked.
CREATE OR REPLACE FUNCTION gate_totals(p_legs gate_leg[]) RETURNS gate_leg[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(l.ordinality, l.item, l.side, l.book, l.entry_id, l.instruction_id, l.leg_no, l.entry_kind, l.effective_on,
                   l.payer_kind, l.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, l.fiscal_year, l.village_code,
                   l.credit_account, l.debit_account, l.amount, l.undoes_entry_id, l.undoes_line_no, l.undoes_amount,
                   CASE WHEN l.undoes_entry_id IS NOT NULL THEN coalesce(u.undone, 0) + coalesce(sum(l.amount) OVER original, 0) END,
                   c.given + coalesce(sum(l.amount) OVER payer, 0), d.received + coalesce(sum(l.amount) OVER receiver, 0),
                   c.given - c.given_undone + coalesce(sum(l.amount) FILTER (WHERE l.undoes_entry_id IS NULL) OVER payer, 0),
                   l.is_payment, l.payer_year, l.receiver_year, l.named_year, l.to_allocation_id, l.payee_id,
                   l.settles_entry_id, l.settles_line_no)::gate_leg
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
