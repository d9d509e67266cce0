-- The gate (4 of 7): checks that every posting must pass. Each function returns one row per failure:
-- item, dimension (of the five-to-district, or 'posting'), code (fundledger.catalogue), line, typed parameters.

CREATE TYPE gate_fault AS (item integer, dimension text, code text, line_no integer, params jsonb);

CREATE FUNCTION shanghai_today() RETURNS date
LANGUAGE sql STABLE AS $$ SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date $$;

CREATE FUNCTION gate_fault_of(p_item integer, p_code text, p_params jsonb) RETURNS gate_fault
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(p_item, 'posting', p_code, NULL::integer, p_params)::gate_fault $$;

-- The instruction itself: there, not sent back, not posted, unchanged since approval, of today or before, of this level.
CREATE FUNCTION gate_check_instruction(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH w AS MATERIALIZED (
        SELECT w.*, c.digest, e.entry_id AS posted, r.instruction_id IS NOT NULL AS rejected, t.today
        FROM unnest(p_work) w
        CROSS JOIN (SELECT shanghai_today() AS today) t
        LEFT JOIN LATERAL (SELECT c.digest FROM instruction_content c WHERE c.book = w.book AND c.instruction_id = w.instruction_id OFFSET 0) c ON true
        LEFT JOIN LATERAL (SELECT e.entry_id FROM entry e WHERE e.book = w.book AND e.instruction_id = w.instruction_id OFFSET 0) e ON true
        LEFT JOIN LATERAL (SELECT r.instruction_id FROM rejection r WHERE r.book = w.book AND r.instruction_id = w.instruction_id OFFSET 0) r ON true)
    SELECT w.item, 'posting', 'instruction-not-found', NULL::integer, '{}'::jsonb FROM w WHERE w.entry_kind IS NULL
    UNION ALL SELECT w.item, 'posting', 'instruction-rejected', NULL, '{}' FROM w WHERE w.rejected
    UNION ALL SELECT w.item, 'posting', 'already-posted', NULL, jsonb_build_object('entry_id', w.posted) FROM w WHERE w.posted IS NOT NULL
    UNION ALL SELECT w.item, 'posting', 'date-in-future', NULL, jsonb_build_object('effective_on', w.effective_on) FROM w WHERE w.effective_on > w.today
    UNION ALL SELECT w.item, 'posting', 'not-approved', NULL, '{}' FROM w WHERE w.is_payment AND w.content_sha256 IS NULL
    UNION ALL SELECT w.item, 'posting', 'content-changed', NULL, '{}' FROM w
    WHERE w.entry_kind IS NOT NULL
      AND w.digest IS DISTINCT FROM CASE WHEN w.is_payment THEN coalesce(w.content_sha256, w.digest) ELSE w.approved_sha256 END
    UNION ALL SELECT w.item, 'posting', 'wrong-level', NULL, jsonb_build_object('kind', w.entry_kind) FROM w
    WHERE w.kind_level <> 'any' AND w.kind_level <> w.book_level
    UNION ALL SELECT w.item, 'posting', 'amount-too-large', NULL, jsonb_build_object('maximum', parameter_value('amount_max', w.effective_on)) FROM w
    WHERE w.entry_kind IS NOT NULL AND (w.total <= parameter_value('amount_max', w.effective_on)) IS NOT TRUE
$$;

-- Header, legs and lines add up.
CREATE FUNCTION gate_check_sums(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS (
        SELECT l.item, l.amount, p.amount AS lines_amount, p.lines FROM unnest(p_legs) l
        LEFT JOIN LATERAL (SELECT coalesce(sum(p.amount), 0) AS amount, count(*) AS lines FROM payment_line p
            WHERE l.entry_kind = 'pay' AND p.book = l.book AND p.instruction_id = l.instruction_id AND p.leg_no = l.leg_no) p ON true
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
            OR w.project_id IS NULL)))
    UNION ALL
    SELECT w.item, 'posting', 'totals-differ', NULL, '{}'
    FROM unnest(p_work) w CROSS JOIN LATERAL (SELECT sum(l.amount) AS amount, count(*) AS legs FROM instruction_leg l
        WHERE w.is_undo AND l.book = w.book AND l.instruction_id = w.instruction_id) s
    WHERE w.is_undo AND (s.amount IS DISTINCT FROM w.total OR s.legs IS DISTINCT FROM w.line_count)
$$;

CREATE FUNCTION gate_check_periods(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l.item, 'posting', 'period-closed', NULL::integer, jsonb_build_object('book', l.book::text, 'month', c.month)
    FROM unnest(p_legs) l
    JOIN period_close c ON c.book = l.book AND c.month = date_trunc('month', l.effective_on)::date
$$;

-- Rule 7: who drafted, approved and pays: three people of this book with the duty, of a unit that may.
CREATE FUNCTION gate_check_duties(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH who AS MATERIALIZED (
        SELECT w.item, w.is_payment, w.maker_units, w.maker_id, m.duties AS maker_duties, mu.kind AS maker_unit,
               CASE WHEN w.is_payment THEN w.approver_id ELSE w.actor_id END AS approver_id,
               CASE WHEN w.is_payment THEN w.actor_id END AS payer_id, s.duties AS actor_duties, su.kind AS actor_unit
        FROM unnest(p_work) w
        LEFT JOIN staff m ON m.book = w.book AND m.staff_id = w.maker_id
        LEFT JOIN unit mu ON mu.book = w.book AND mu.unit_id = m.unit_id
        LEFT JOIN staff s ON s.book = w.book AND s.staff_id = w.actor_id
        LEFT JOIN unit su ON su.book = w.book AND su.unit_id = s.unit_id
        WHERE w.entry_kind IS NOT NULL)
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
CREATE FUNCTION gate_check_officers(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT w.item, 'responsibility', CASE WHEN r.role = 'accountable' THEN 'officer-not-in-office' ELSE 'supervisor-not-in-office' END,
           NULL::integer, jsonb_build_object('effective_on', w.effective_on)
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (VALUES ('accountable', w.officer_id), ('supervising', w.supervisor_id)) r (role, officer_id)
    LEFT JOIN LATERAL (SELECT o.* FROM officer_term o WHERE o.book = w.book AND o.officer_id = r.officer_id
                       ORDER BY o.version DESC LIMIT 1) o ON true
    WHERE w.entry_kind IS NOT NULL
      AND (r.role = 'accountable' OR w.entry_kind IN ('pay', 'fund') OR r.officer_id IS NOT NULL)
      AND (o.role = r.role AND w.effective_on BETWEEN o.valid_from AND coalesce(o.valid_to, 'infinity')) IS NOT TRUE
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
    SELECT b.item, CASE WHEN b.entry_kind = 'pay' THEN 'funds' ELSE 'posting' END, b.code, NULL::integer,
           jsonb_strip_nulls(gate_account_params(b.book, b.account_id) || jsonb_build_object('day', b.day, 'shortfall', -b.balance))
    FROM broken b
$$;

-- Totals are bigint, so sums that could leave it are refused before anything is added up. (An account's own totals would
-- need thousands of entries of the largest amount to get there; then the addition itself fails.)
CREATE FUNCTION gate_refuse_overflow(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(x.item, 'amount-too-large', jsonb_build_object('maximum', x.maximum))))) FROM (
        SELECT l.item, parameter_value('amount_max', l.effective_on) AS maximum FROM unnest(p_legs) l
        WHERE l.side = 1 GROUP BY l.item, l.effective_on HAVING sum(l.amount) > 1000000000000000000) x;
END $$;

-- A leg whose references lead nowhere has no account: name what is missing.
CREATE FUNCTION gate_check_references(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT l.item, 'posting', CASE WHEN l.entry_kind IN ('adopt', 'allocate') THEN 'budget-line-not-found'
                                   WHEN l.entry_kind IN ('fund', 'pay') AND l.project_id IS NULL THEN 'project-not-in-library'
                                   ELSE 'allocation-not-found' END, l.leg_no, '{}'::jsonb
    FROM unnest(p_legs) l WHERE l.book IS NULL OR l.debit_before IS NULL OR l.credit_before IS NULL
    UNION ALL
    SELECT w.item, 'posting', 'undo-kind', g.leg_no, jsonb_build_object('kind', w.entry_kind) FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg g WHERE g.book = w.book AND g.instruction_id = w.instruction_id OFFSET 0) g
    WHERE NOT w.is_undo AND (g.undoes_entry_id IS NOT NULL OR g.undoes_line_no IS NOT NULL)
    UNION ALL
    SELECT w.item, 'posting', 'undo-not-found', g.leg_no, '{}' FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg g WHERE w.is_undo AND g.book = w.book AND g.instruction_id = w.instruction_id OFFSET 0) g
    WHERE NOT EXISTS (SELECT FROM transfer t WHERE t.book = w.book AND t.entry_id = g.undoes_entry_id AND t.line_no = g.undoes_line_no OFFSET 0)
$$;
