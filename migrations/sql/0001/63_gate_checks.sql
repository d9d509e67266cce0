-- The gate (4 of 7): checks that every posting must pass. Each function returns one row per failure:
-- item, dimension (of the five-to-district, or 'posting'), code (fundledger.catalogue), line, typed parameters.

CREATE TYPE gate_fault AS (item integer, dimension text, code text, line_no integer, params jsonb);

CREATE FUNCTION shanghai_today() RETURNS date
LANGUAGE sql STABLE AS $$ SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date $$;

CREATE FUNCTION gate_fault_of(p_item integer, p_code text, p_params jsonb) RETURNS gate_fault
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(p_item, 'posting', p_code, NULL::integer, p_params)::gate_fault $$;

-- The instruction itself: there, not sent back, not posted, unchanged since approval, of an open day, adding up.
CREATE FUNCTION gate_check_instruction(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH i AS MATERIALIZED (
        SELECT i.*, n.entry_kind, n.effective_on, n.total, n.line_count, k.is_payment, k.is_undo, k.level, b.level AS book_level,
               n.instruction_id IS NOT NULL AS found, a.content_sha256,
               c.digest, legs.amount AS legs_total, legs.legs,
               lines.amount AS lines_total, lines.lines
        FROM unnest(p_items) i
        LEFT JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id
        LEFT JOIN instruction_content c ON c.book = i.book AND c.instruction_id = i.instruction_id
        LEFT JOIN entry_kind k ON k.entry_kind = n.entry_kind
        LEFT JOIN book b ON b.book = i.book
        LEFT JOIN approval a ON a.book = i.book AND a.instruction_id = i.instruction_id
        LEFT JOIN LATERAL (SELECT sum(l.amount)::bigint AS amount, count(*) AS legs FROM instruction_leg l
            WHERE l.book = i.book AND l.instruction_id = i.instruction_id) legs ON true
        LEFT JOIN LATERAL (SELECT sum(l.amount)::bigint AS amount, count(*) AS lines FROM payment_line l
            WHERE k.is_payment AND l.book = i.book AND l.instruction_id = i.instruction_id) lines ON true)
    SELECT (gate_fault_of(i.item, 'instruction-not-found', '{}')).* FROM i WHERE NOT i.found
    UNION ALL
    SELECT (gate_fault_of(i.item, 'instruction-rejected', '{}')).* FROM i
    WHERE EXISTS (SELECT FROM rejection r WHERE r.book = i.book AND r.instruction_id = i.instruction_id)
    UNION ALL
    SELECT (gate_fault_of(i.item, 'already-posted', jsonb_build_object('entry_id', e.entry_id))).* FROM i
    JOIN entry e ON e.book = i.book AND e.instruction_id = i.instruction_id
    UNION ALL
    SELECT (gate_fault_of(i.item, 'date-in-future', jsonb_build_object('effective_on', i.effective_on))).* FROM i
    WHERE i.effective_on > shanghai_today()
    UNION ALL
    SELECT (gate_fault_of(i.item, 'not-approved', '{}')).* FROM i WHERE i.is_payment AND i.content_sha256 IS NULL
    UNION ALL
    SELECT (gate_fault_of(i.item, 'content-changed', '{}')).* FROM i
    WHERE i.found AND i.digest IS DISTINCT FROM CASE WHEN i.is_payment THEN coalesce(i.content_sha256, i.digest) ELSE i.approved_sha256 END
    UNION ALL
    SELECT (gate_fault_of(i.item, 'totals-differ', '{}')).* FROM i
    WHERE i.found AND (i.legs_total IS DISTINCT FROM i.total
        OR (NOT i.is_payment AND i.legs IS DISTINCT FROM i.line_count)
        OR (i.is_payment AND (i.lines_total IS DISTINCT FROM i.total OR i.lines IS DISTINCT FROM i.line_count OR EXISTS (
            SELECT FROM instruction_leg l WHERE l.book = i.book AND l.instruction_id = i.instruction_id AND l.amount IS DISTINCT FROM
                (SELECT sum(p.amount) FROM payment_line p WHERE p.book = l.book AND p.instruction_id = l.instruction_id AND p.leg_no = l.leg_no)))))
    UNION ALL
    SELECT (gate_fault_of(i.item, 'wrong-level', jsonb_build_object('kind', i.entry_kind))).* FROM i
    WHERE i.found AND i.level <> 'any' AND i.level <> i.book_level
    UNION ALL
    SELECT (gate_fault_of(i.item, 'amount-too-large', '{}')).* FROM i WHERE i.total > parameter_value('amount_max', i.effective_on)
$$;

CREATE FUNCTION gate_check_periods(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l.item, 'posting', 'period-closed', NULL::integer, jsonb_build_object('book', l.book::text, 'month', c.month)
    FROM unnest(p_legs) l
    JOIN period_close c ON c.book = l.book AND c.month = date_trunc('month', l.effective_on)::date
$$;

-- Rule 7: who drafted, approved and pays: three people of this book with the duty, of a unit that may.
CREATE FUNCTION gate_check_duties(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH who AS MATERIALIZED (
        SELECT i.item, k.is_payment, k.maker_units, n.maker_id, m.duties AS maker_duties, mu.kind AS maker_unit,
               CASE WHEN k.is_payment THEN a.approver_id ELSE i.actor_id END AS approver_id,
               CASE WHEN k.is_payment THEN i.actor_id END AS payer_id, s.duties AS actor_duties, su.kind AS actor_unit
        FROM unnest(p_items) i
        JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id
        JOIN entry_kind k ON k.entry_kind = n.entry_kind
        LEFT JOIN staff m ON m.book = i.book AND m.staff_id = n.maker_id
        LEFT JOIN unit mu ON mu.book = i.book AND mu.unit_id = m.unit_id
        LEFT JOIN staff s ON s.book = i.book AND s.staff_id = i.actor_id
        LEFT JOIN unit su ON su.book = i.book AND su.unit_id = s.unit_id
        LEFT JOIN approval a ON a.book = i.book AND a.instruction_id = i.instruction_id)
    SELECT item, 'management', 'maker-without-duty', NULL::integer, '{}'::jsonb FROM who
    WHERE ('maker' = ANY (maker_duties) AND maker_unit = ANY (maker_units)) IS NOT TRUE
    UNION ALL
    SELECT item, 'management', 'approver-without-duty', NULL, '{}' FROM who
    WHERE NOT is_payment AND ('approver' = ANY (actor_duties) AND actor_unit = ANY (maker_units)) IS NOT TRUE
    UNION ALL
    SELECT item, 'management', 'payer-without-duty', NULL, '{}' FROM who
    WHERE is_payment AND ('payer' = ANY (actor_duties) AND actor_unit = 'finance') IS NOT TRUE
    UNION ALL
    SELECT item, 'management', 'duties-not-separate', NULL, '{}' FROM who
    WHERE maker_id = approver_id OR maker_id = payer_id OR approver_id = payer_id
$$;

-- Rule 10 and 责任到区: an accountable officer of this book, in office that day; a supervising one for district money.
CREATE FUNCTION gate_check_officers(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH n AS MATERIALIZED (
        SELECT i.item, n.* FROM unnest(p_items) i
        JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id)
    SELECT n.item, 'responsibility', CASE WHEN r.role = 'accountable' THEN 'officer-not-in-office' ELSE 'supervisor-not-in-office' END,
           NULL::integer, jsonb_build_object('effective_on', n.effective_on)
    FROM n CROSS JOIN LATERAL (VALUES ('accountable', n.officer_id), ('supervising', n.supervisor_id)) r (role, officer_id)
    WHERE (r.role = 'accountable' OR n.entry_kind IN ('pay', 'fund') OR r.officer_id IS NOT NULL)
      AND NOT EXISTS (SELECT FROM officer_term o WHERE o.book = n.book AND o.officer_id = r.officer_id AND o.role = r.role
            AND o.version = (SELECT max(v.version) FROM officer_term v WHERE v.book = o.book AND v.officer_id = o.officer_id)
            AND n.effective_on >= o.valid_from AND n.effective_on <= coalesce(o.valid_to, 'infinity'))
$$;

CREATE FUNCTION gate_account_params(p_book bigint, p_account uuid) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('book', a.book::text, 'account_kind', a.account_kind, 'allocation_id', a.allocation_id,
        'budget_line_id', a.budget_line_id, 'project_id', a.project_id)
    FROM account a WHERE a.book = p_book AND a.account_id = p_account
$$;

-- Rule 3: no account below zero after any transfer, and none at the end of any effective day.
CREATE FUNCTION gate_check_balances(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH event AS (
        SELECT l.item, l.ord, l.book, l.credit_account AS account_id, -l.amount AS delta, l.effective_on, l.entry_kind FROM unnest(p_legs) l
        UNION ALL
        SELECT l.item, l.ord, l.book, l.debit_account, l.amount, l.effective_on, l.entry_kind FROM unnest(p_legs) l
    ), running AS (
        SELECT e.*, b.received - b.given + sum(e.delta) OVER (PARTITION BY e.book, e.account_id ORDER BY e.ord) AS balance
        FROM event e JOIN account_balance b ON b.book = e.book AND b.account_id = e.account_id AND NOT b.is_source
    ), dated AS (
        SELECT e.book, e.account_id, min(e.effective_on) AS first_day, max(e.effective_on) AS last_day FROM event e GROUP BY 1, 2
    ), late AS (
        SELECT d.* FROM dated d JOIN account_balance b ON b.book = d.book AND b.account_id = d.account_id AND NOT b.is_source
        WHERE d.first_day < greatest(d.last_day, b.last_effective_on)
    ), by_day AS (
        SELECT x.book, x.account_id, x.day, sum(sum(x.delta)) OVER (PARTITION BY x.book, x.account_id ORDER BY x.day) AS balance
        FROM (SELECT d.book, d.account_id, d.day, d.received - d.given AS delta
              FROM late JOIN account_day d ON d.book = late.book AND d.account_id = late.account_id
              UNION ALL SELECT e.book, e.account_id, e.effective_on, e.delta
              FROM late JOIN event e ON e.book = late.book AND e.account_id = late.account_id) x
        GROUP BY x.book, x.account_id, x.day
    )
    SELECT DISTINCT ON (r.item, r.account_id) r.item, CASE WHEN r.entry_kind = 'pay' THEN 'funds' ELSE 'posting' END,
           'balance-insufficient', NULL::integer, gate_account_params(r.book, r.account_id) || jsonb_build_object('shortfall', -r.balance)
    FROM running r WHERE r.balance < 0 AND r.delta < 0
    UNION ALL
    SELECT DISTINCT ON (e.item, e.account_id) e.item, CASE WHEN e.entry_kind = 'pay' THEN 'funds' ELSE 'posting' END,
           'balance-insufficient-on-day', NULL, gate_account_params(e.book, e.account_id) || jsonb_build_object('day', d.day, 'shortfall', -d.balance)
    FROM by_day d JOIN event e ON e.book = d.book AND e.account_id = d.account_id AND e.delta < 0 AND e.effective_on <= d.day
    WHERE d.balance < 0
$$;

-- A leg whose references lead nowhere has no account: name what is missing.
CREATE FUNCTION gate_check_references(p_items gate_item[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT l.item, 'posting', CASE WHEN l.entry_kind IN ('adopt', 'allocate') THEN 'budget-line-not-found' ELSE 'allocation-not-found' END,
           l.leg_no, '{}'::jsonb
    FROM unnest(p_legs) l WHERE l.book IS NULL OR l.debit_before IS NULL OR l.credit_before IS NULL
    UNION ALL
    SELECT i.item, 'posting', 'undo-not-found', g.leg_no, '{}' FROM unnest(p_items) i
    JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id
    JOIN entry_kind k ON k.entry_kind = n.entry_kind AND k.is_undo
    JOIN instruction_leg g ON g.book = i.book AND g.instruction_id = i.instruction_id
    WHERE NOT EXISTS (SELECT FROM transfer t WHERE t.book = i.book AND t.entry_id = g.undoes_entry_id AND t.line_no = g.undoes_line_no)
$$;
