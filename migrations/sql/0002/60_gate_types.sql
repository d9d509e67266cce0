-- The gate's types and the reading of instructions, as of this revision (the shape of the gate is stated in 0001/60_).
-- New here: legs that pay from a past year's account, move between allocations, answer to a payee, or settle an advance.
--
-- Which account a leg means, by kind of entry:
--   the payer's year is the leg's `exec_year` if it names one, else the year of the effective day (never before the fiscal
--   year); the receiver's is the year of the effective day. `defund` and `recover` give money back within the payer's year.
--   settle        the payer is the account that the settled advance debited
--   virement      the receiver is the unreleased account of `to_allocation_id`
--   advance       the receiver is the payee's own account

ALTER TYPE gate_work
    ADD ATTRIBUTE procurement_id uuid,
    ADD ATTRIBUTE claim_id uuid,
    ADD ATTRIBUTE outside_five boolean,     -- a payment of money outside 五到区
    ADD ATTRIBUTE reissues_only boolean,    -- every line of the list pays a returned line again
    ADD ATTRIBUTE project_planned bigint;

ALTER TYPE gate_leg
    ADD ATTRIBUTE is_payment boolean,
    ADD ATTRIBUTE payer_year integer,
    ADD ATTRIBUTE receiver_year integer,
    ADD ATTRIBUTE named_year integer,       -- exec_year of the leg, null where it names none
    ADD ATTRIBUTE to_allocation_id uuid,
    ADD ATTRIBUTE payee_id uuid,
    ADD ATTRIBUTE settles_entry_id uuid,
    ADD ATTRIBUTE settles_line_no integer;

CREATE OR REPLACE FUNCTION gate_load(p_items gate_item[]) RETURNS gate_work[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(i.item, i.book, i.instruction_id, i.entry_id, i.crossing_entry_id, i.actor_id, i.approved_sha256,
                   b.level, n.entry_kind, k.level, k.maker_units, coalesce(k.is_payment, false), coalesce(k.is_undo, false),
                   n.document_no, n.effective_on, n.economic_class, n.officer_id, n.supervisor_id, n.release_kind,
                   n.exception_document_no, n.line_count, n.total, n.maker_id,
                   a.approver_id, a.content_sha256, a.approved_at, a.order_no, a.checked_xmin,
                   l.project_id, l.programme_code, l.period, l.entitlement_on, l.payee_kind, l.is_final,
                   p.project_id IS NOT NULL, p.status, p.performance_target, p.programme_code, p.category,
                   p.village_code, p.managing_unit_id,
                   l.procurement_id, l.claim_id, n.entry_kind IS NOT DISTINCT FROM 'pay_other', coalesce(r.only, false),
                   p.planned_amount)::gate_work
        FROM unnest(p_items) i
        LEFT JOIN LATERAL (SELECT * FROM instruction n WHERE n.book = i.book AND n.instruction_id = i.instruction_id OFFSET 0) n ON true
        LEFT JOIN entry_kind k ON k.entry_kind = n.entry_kind
        LEFT JOIN book b ON b.book = i.book
        LEFT JOIN LATERAL (SELECT * FROM approval a WHERE a.book = i.book AND a.instruction_id = i.instruction_id OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT * FROM payment_list l WHERE k.is_payment AND l.book = i.book AND l.instruction_id = i.instruction_id OFFSET 0) l ON true
        LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = i.book AND p.project_id = l.project_id
                           ORDER BY p.version DESC LIMIT 1) p ON true
        -- Most lists re-issue nothing, so the first line tells; only a list that begins with a re-issue is read whole.
        LEFT JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM payment_line y WHERE y.book = f.book AND y.instruction_id = f.instruction_id
                                              AND y.reissues_entry_id IS NULL OFFSET 0) AS only
            FROM (SELECT * FROM payment_line f WHERE k.is_payment AND f.book = i.book AND f.instruction_id = i.instruction_id
                  ORDER BY f.leg_no, f.line_no LIMIT 1) f WHERE f.reissues_entry_id IS NOT NULL) r ON true
        ORDER BY i.item);
END $$;

-- Money is executed in its fiscal year or, released late, in the year it is spent; until then it keeps its fiscal year.
CREATE OR REPLACE FUNCTION gate_exec_year(p_kind text, p_fiscal_year integer, p_effective_on date) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_kind IN ('executable', 'available', 'advanced', 'paid', 'paid_other')
                THEN greatest(p_fiscal_year, extract(year FROM p_effective_on)::integer) ELSE p_fiscal_year END
$$;

CREATE FUNCTION gate_on_project(p_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_kind IN ('available', 'advanced', 'paid') $$;

DROP FUNCTION gate_leg_account(text, text, uuid, uuid, uuid, integer, date);
CREATE FUNCTION gate_leg_account(p_kind text, p_entry_kind text, p_line uuid, p_allocation uuid, p_project uuid, p_year integer, p_payee uuid)
RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT account_key(p_kind,
        CASE WHEN gate_on_budget_line(p_kind, p_entry_kind) THEN p_line END,
        CASE WHEN gate_on_budget_line(p_kind, p_entry_kind) THEN NULL ELSE p_allocation END,
        CASE WHEN gate_on_project(p_kind) THEN p_project END, p_year,
        CASE WHEN p_kind = 'advanced' THEN p_payee END)
$$;

-- Legs of ordinary kinds: one per leg and side of the posting rule.
CREATE OR REPLACE FUNCTION gate_plain_legs(p_work gate_work[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, w.item, r.side, CASE r.side WHEN 1 THEN w.book ELSE x.district END,
           CASE r.side WHEN 1 THEN w.entry_id ELSE w.crossing_entry_id END, w.instruction_id, l.leg_no, w.entry_kind,
           w.effective_on, r.payer_kind, r.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, a.village_code,
           CASE WHEN w.entry_kind = 'settle' THEN s.debit_account
                ELSE gate_leg_account(r.payer_kind, w.entry_kind, l.budget_line_id, l.allocation_id, l.project_id, y.payer_year, g.payee_id) END,
           gate_leg_account(r.receiver_kind, w.entry_kind, l.budget_line_id, coalesce(g.to_allocation_id, l.allocation_id), l.project_id,
                            y.receiver_year, g.payee_id),
           l.amount, NULL::uuid, NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
           w.is_payment, y.payer_year, y.receiver_year, l.exec_year::integer, g.to_allocation_id, g.payee_id, g.settles_entry_id, g.settles_line_no
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
    -- Only the kind that knows a field reads it: a field on another kind's leg moves nothing.
    CROSS JOIN LATERAL (SELECT CASE WHEN w.entry_kind = 'virement' THEN l.to_allocation_id END AS to_allocation_id,
                               CASE WHEN w.entry_kind = 'advance' THEN l.payee_id END AS payee_id,
                               CASE WHEN w.entry_kind = 'settle' THEN l.settles_entry_id END AS settles_entry_id,
                               CASE WHEN w.entry_kind = 'settle' THEN l.settles_line_no END AS settles_line_no) g
    JOIN posting_rule r ON r.entry_kind = w.entry_kind AND (r.on_project IS NULL OR r.on_project = (l.project_id IS NOT NULL))
    LEFT JOIN LATERAL (SELECT * FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT * FROM budget_line b WHERE b.book = l.book AND b.budget_line_id = l.budget_line_id OFFSET 0) b ON true
    LEFT JOIN LATERAL (SELECT t.debit_account FROM transfer t WHERE t.book = l.book
                       AND t.entry_id = g.settles_entry_id AND t.line_no = g.settles_line_no OFFSET 0) s ON true
    CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN w.entry_kind = 'adopt' THEN b.fiscal_year END, a.fiscal_year, b.fiscal_year, CASE WHEN w.entry_kind = 'adopt_own' THEN l.fiscal_year END)::integer AS fiscal_year,
                               coalesce(a.district, l.district) AS district) x
    CROSS JOIN LATERAL (SELECT gate_exec_year(r.payer_kind, x.fiscal_year, w.effective_on) AS now_payer,
                               gate_exec_year(r.receiver_kind, x.fiscal_year, w.effective_on) AS now_receiver) n
    CROSS JOIN LATERAL (SELECT CASE WHEN r.payer_kind IN ('executable', 'available') THEN coalesce(l.exec_year::integer, n.now_payer) ELSE n.now_payer END AS payer_year,
                               CASE WHEN w.entry_kind = 'defund' THEN coalesce(l.exec_year::integer, n.now_receiver) ELSE n.now_receiver END AS receiver_year) y
$$;

-- Legs that undo: the original's accounts swapped; a crossing is undone on both sides.
CREATE OR REPLACE FUNCTION gate_undo_legs(p_work gate_work[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, w.item, s.side, t.book, CASE s.side WHEN 1 THEN w.entry_id ELSE w.crossing_entry_id END,
           w.instruction_id, l.leg_no, w.entry_kind, w.effective_on, NULL::text, NULL::text,
           NULL::uuid, NULL::uuid, NULL::uuid, NULL::integer, NULL::text, t.debit_account, t.credit_account, l.amount,
           t.entry_id, t.line_no, t.amount, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
           false, NULL::integer, NULL::integer, NULL::integer, NULL::uuid, NULL::uuid, NULL::uuid, NULL::integer
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE w.is_undo AND l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
    CROSS JOIN LATERAL (SELECT * FROM entry o WHERE o.book = w.book AND o.entry_id = l.undoes_entry_id OFFSET 0) o
    CROSS JOIN LATERAL (
        SELECT 1::smallint AS side, o.book, o.entry_id
        UNION ALL
        SELECT 2::smallint, c.book, c.entry_id FROM entry c
        WHERE c.crossing_id = o.crossing_id AND c.book <> o.book) s
    CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = s.book AND t.entry_id = s.entry_id AND t.line_no = l.undoes_line_no OFFSET 0) t
$$;
