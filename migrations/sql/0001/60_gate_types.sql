-- The gate (1 of 7): its types, and the reading of instructions.
--
-- The gate is the only writer of entries, transfers, allocations, approvals and totals. One call posts any number of
-- instructions, of any number of lines, of any books, all or nothing:
--
--   gate_post     1. claim the idempotency keys (a concurrent repeat waits here); replays leave the batch
--                 2. lock, always in this order, each sorted: instructions, periods FOR SHARE, projects, claim windows,
--                    balances
--                 3. read the legs, compute each account's totals before and after
--                 4. run every check of the kinds at hand; all failures come back in one error (SQLSTATE FL001)
--                 5. write: approval, budget line, allocation, entry, transfer, totals, log queue
--
-- The caller names instructions, never accounts: posting_rule says between which kinds of account a kind of entry moves
-- money, and account_key() which account that is. So a transfer that no approved instruction asked for can't be made.
-- The number of statements does not depend on the number of lines.
--
-- Every look-up in a table that grows is a LATERAL subquery with OFFSET 0: the plans are cached in pooled connections,
-- and one made while the tables were small would otherwise read a whole table for ever after. OFFSET 0 pins the only
-- shape that stays right: for each item, one index seek.

CREATE TYPE gate_item AS (
    item              integer,
    book              bigint,
    instruction_id    uuid,
    entry_id          uuid,
    crossing_entry_id uuid,                 -- the district's entry, where the kind crosses books
    actor_id          uuid,                 -- approver of a budget posting, payer of a payment
    approved_sha256   bytea,                -- what the approver saw; null for a payer
    key               text,
    request_sha256    bytea
);

CREATE TYPE gate_work AS (                  -- an item with everything the checks want to know of it
    item integer, book bigint, instruction_id uuid, entry_id uuid, crossing_entry_id uuid, actor_id uuid, approved_sha256 bytea,
    book_level text, entry_kind text, kind_level text, maker_units text[], is_payment boolean, is_undo boolean,
    document_no text, effective_on date, economic_class text, officer_id uuid, supervisor_id uuid, release_kind text,
    exception_document_no text, line_count integer, total bigint, maker_id uuid,
    approver_id uuid, content_sha256 bytea, approved_at timestamptz, approval_order_no bigint, checked_xmin xid8,
    project_id uuid, programme_code text, period text, entitlement_on date, payee_kind text, is_final boolean,
    in_library boolean, project_status text, project_target text, project_programme text, project_category text,
    project_village text, managing_unit_id uuid
);

CREATE TYPE gate_leg AS (
    ord             integer,                -- posting order within the call
    item            integer,
    side            smallint,
    book            bigint,
    entry_id        uuid,
    instruction_id  uuid,
    leg_no          integer,
    entry_kind      text,
    effective_on    date,
    payer_kind      text,
    receiver_kind   text,
    budget_line_id  uuid,
    allocation_id   uuid,
    project_id      uuid,
    fiscal_year     integer,                -- of the allocation or budget line
    village_code    text,                   -- of the allocation
    credit_account  uuid,
    debit_account   uuid,
    amount          bigint,
    undoes_entry_id uuid,
    undoes_line_no  integer,
    undoes_amount   bigint,
    undoes_before   bigint,
    credit_before   bigint,
    debit_before    bigint,
    spent_before    bigint                  -- what the payer has given, undoing apart, before this leg
);

CREATE FUNCTION gate_load(p_items gate_item[]) RETURNS gate_work[]
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
                   p.village_code, p.managing_unit_id)::gate_work
        FROM unnest(p_items) i
        LEFT JOIN LATERAL (SELECT * FROM instruction n WHERE n.book = i.book AND n.instruction_id = i.instruction_id OFFSET 0) n ON true
        LEFT JOIN entry_kind k ON k.entry_kind = n.entry_kind
        LEFT JOIN book b ON b.book = i.book
        LEFT JOIN LATERAL (SELECT * FROM approval a WHERE a.book = i.book AND a.instruction_id = i.instruction_id OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT * FROM payment_list l WHERE k.is_payment AND l.book = i.book AND l.instruction_id = i.instruction_id OFFSET 0) l ON true
        LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = i.book AND p.project_id = l.project_id
                           ORDER BY p.version DESC LIMIT 1) p ON true
        ORDER BY i.item);
END $$;

CREATE FUNCTION gate_on_budget_line(p_kind text, p_entry_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_kind = 'unreleased_budget' OR (p_kind = 'budget_source' AND p_entry_kind = 'adopt')
$$;

-- Money is executed in its fiscal year or, released late, in the year it is spent; until then it keeps its fiscal year.
CREATE FUNCTION gate_exec_year(p_kind text, p_fiscal_year integer, p_effective_on date) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_kind IN ('executable', 'available', 'paid')
                THEN greatest(p_fiscal_year, extract(year FROM p_effective_on)::integer) ELSE p_fiscal_year END
$$;

CREATE FUNCTION gate_leg_account(p_kind text, p_entry_kind text, p_line uuid, p_allocation uuid, p_project uuid,
                                 p_fiscal_year integer, p_effective_on date) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT account_key(p_kind,
        CASE WHEN gate_on_budget_line(p_kind, p_entry_kind) THEN p_line END,
        CASE WHEN gate_on_budget_line(p_kind, p_entry_kind) THEN NULL ELSE p_allocation END,
        CASE WHEN p_kind IN ('available', 'paid') THEN p_project END,
        gate_exec_year(p_kind, p_fiscal_year, p_effective_on))
$$;

-- Legs of ordinary kinds: one per leg and side of the posting rule.
CREATE FUNCTION gate_plain_legs(p_work gate_work[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, w.item, r.side, CASE r.side WHEN 1 THEN w.book ELSE x.district END,
           CASE r.side WHEN 1 THEN w.entry_id ELSE w.crossing_entry_id END, w.instruction_id, l.leg_no, w.entry_kind,
           w.effective_on, r.payer_kind, r.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, a.village_code,
           gate_leg_account(r.payer_kind, w.entry_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, w.effective_on),
           gate_leg_account(r.receiver_kind, w.entry_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, w.effective_on),
           l.amount, NULL::uuid, NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
    JOIN posting_rule r ON r.entry_kind = w.entry_kind
    LEFT JOIN LATERAL (SELECT * FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a ON true
    LEFT JOIN LATERAL (SELECT * FROM budget_line b WHERE b.book = l.book AND b.budget_line_id = l.budget_line_id OFFSET 0) b ON true
    CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN w.entry_kind = 'adopt' THEN b.fiscal_year END, a.fiscal_year, b.fiscal_year, CASE WHEN w.entry_kind = 'adopt_own' THEN l.fiscal_year END)::integer AS fiscal_year,
                               coalesce(a.district, l.district) AS district) x
$$;

-- Legs that undo: the original's accounts swapped; a crossing is undone on both sides.
CREATE FUNCTION gate_undo_legs(p_work gate_work[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, w.item, s.side, t.book, CASE s.side WHEN 1 THEN w.entry_id ELSE w.crossing_entry_id END,
           w.instruction_id, l.leg_no, w.entry_kind, w.effective_on, NULL::text, NULL::text,
           NULL::uuid, NULL::uuid, NULL::uuid, NULL::integer, NULL::text, t.debit_account, t.credit_account, l.amount,
           t.entry_id, t.line_no, t.amount, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint
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

CREATE FUNCTION gate_legs(p_work gate_work[]) RETURNS gate_leg[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT l FROM (SELECT * FROM gate_plain_legs(p_work) UNION ALL SELECT * FROM gate_undo_legs(p_work)) l
        ORDER BY l.item, l.side, l.leg_no);
END $$;
