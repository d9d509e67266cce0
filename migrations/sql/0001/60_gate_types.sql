-- The gate (1 of 7): its types and the reading of instructions into legs.
--
-- The gate is the only writer of entries, transfers, allocations, approvals and totals. One call posts any number of
-- instructions, of any number of lines, of any books, all or nothing:
--
--   gate_post     1. claim the idempotency keys (a concurrent repeat waits here); replays leave the batch
--                 2. lock, always in this order: periods FOR SHARE, projects, claim windows, balances - each sorted
--                 3. read the legs, compute each account's totals before and after
--                 4. run every check of the kinds at hand; all failures come back in one error (SQLSTATE FL001)
--                 5. write: approval, budget line, allocation, entry, transfer, totals, log queue
--
-- The caller names instructions, never accounts: posting_rule says between which kinds of account a kind of entry moves
-- money, and account_key() which account that is. So a transfer that no approved instruction asked for can't be made.
-- The number of statements does not depend on the number of lines.

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
    fiscal_year     integer,
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
CREATE FUNCTION gate_plain_legs(p_items gate_item[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, i.item, r.side, CASE r.side WHEN 1 THEN i.book ELSE x.district END,
           CASE r.side WHEN 1 THEN i.entry_id ELSE i.crossing_entry_id END, i.instruction_id, l.leg_no, n.entry_kind,
           n.effective_on, r.payer_kind, r.receiver_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year,
           gate_leg_account(r.payer_kind, n.entry_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, n.effective_on),
           gate_leg_account(r.receiver_kind, n.entry_kind, l.budget_line_id, l.allocation_id, l.project_id, x.fiscal_year, n.effective_on),
           l.amount, NULL::uuid, NULL::integer, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint
    FROM unnest(p_items) i
    JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id
    JOIN instruction_leg l ON l.book = i.book AND l.instruction_id = i.instruction_id
    JOIN posting_rule r ON r.entry_kind = n.entry_kind
    LEFT JOIN allocation a ON a.book = l.book AND a.allocation_id = l.allocation_id
    LEFT JOIN budget_line b ON b.book = l.book AND b.budget_line_id = l.budget_line_id
    CROSS JOIN LATERAL (SELECT coalesce(a.fiscal_year, b.fiscal_year, l.fiscal_year)::integer AS fiscal_year,
                               coalesce(a.district, l.district) AS district) x
$$;

-- Legs that undo: the original's accounts swapped; a crossing is undone on both sides.
CREATE FUNCTION gate_undo_legs(p_items gate_item[]) RETURNS SETOF gate_leg
LANGUAGE sql STABLE AS $$
    SELECT NULL::integer, i.item, s.side, t.book, CASE s.side WHEN 1 THEN i.entry_id ELSE i.crossing_entry_id END,
           i.instruction_id, l.leg_no, n.entry_kind, n.effective_on, NULL::text, NULL::text,
           NULL::uuid, NULL::uuid, NULL::uuid, NULL::integer, t.debit_account, t.credit_account, l.amount,
           t.entry_id, t.line_no, t.amount, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint
    FROM unnest(p_items) i
    JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id
    JOIN instruction_leg l ON l.book = i.book AND l.instruction_id = i.instruction_id AND l.undoes_entry_id IS NOT NULL
    JOIN entry o ON o.book = i.book AND o.entry_id = l.undoes_entry_id
    CROSS JOIN LATERAL (
        SELECT 1::smallint AS side, o.book, o.entry_id
        UNION ALL
        SELECT 2::smallint, c.book, c.entry_id FROM entry c
        WHERE c.crossing_id = o.crossing_id AND c.book <> o.book) s
    JOIN transfer t ON t.book = s.book AND t.entry_id = s.entry_id AND t.line_no = l.undoes_line_no
$$;

CREATE FUNCTION gate_legs(p_items gate_item[]) RETURNS gate_leg[]
LANGUAGE plpgsql STABLE AS $$
DECLARE v_legs gate_leg[];
BEGIN
    SELECT array_agg(l ORDER BY l.item, l.side, l.leg_no) INTO v_legs
    FROM (SELECT * FROM gate_plain_legs(p_items) UNION ALL SELECT * FROM gate_undo_legs(p_items)) l;
    RETURN v_legs;
END $$;
