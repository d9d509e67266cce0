-- The gate (7 of 7): the functions that may be called. Everything before this file is private to the owner.

CREATE FUNCTION gate_refuse(p_faults jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF p_faults IS NOT NULL THEN
        RAISE EXCEPTION 'fundledger refuses' USING ERRCODE = 'FL001', DETAIL = p_faults::text;
    END IF;
END $$;

-- Five to the district, but for the single lines (also called, on a list not yet approved, by the preview).
CREATE FUNCTION gate_payment_faults(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT * FROM gate_check_funds(p_work, p_legs) UNION ALL SELECT * FROM gate_check_projects(p_work)
    UNION ALL SELECT * FROM gate_check_tendering(p_work) UNION ALL SELECT * FROM gate_check_management(p_work)
$$;

CREATE FUNCTION gate_check(p_work gate_work[], p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_kinds text[] := ARRAY(SELECT DISTINCT w.entry_kind FROM unnest(p_work) w WHERE w.entry_kind IS NOT NULL);
    v_faults gate_fault[];
    v_stale gate_work[];
BEGIN
    v_faults := ARRAY(
        SELECT f FROM gate_check_instruction(p_work) f UNION ALL SELECT f FROM gate_check_sums(p_work, p_legs) f
        UNION ALL SELECT f FROM gate_check_periods(p_legs) f UNION ALL SELECT f FROM gate_check_duties(p_work) f
        UNION ALL SELECT f FROM gate_check_officers(p_work) f UNION ALL SELECT f FROM gate_check_references(p_work, p_legs) f
        UNION ALL SELECT f FROM gate_check_balances(p_legs) f);
    IF 'adopt' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_adopt(p_work) f); END IF;
    IF 'allocate' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_allocate(p_work) f); END IF;
    IF 'release' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_release(p_work, p_legs) f); END IF;
    IF 'adopt_own' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_adopt_own(p_work) f); END IF;
    IF 'fund' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_fund(p_legs) f); END IF;
    -- What an undo may take depends on what others in the batch spend and undo: it is posted alone.
    IF cardinality(p_work) > 1 AND v_kinds && '{return,reverse}' THEN
        v_faults := v_faults || ARRAY(SELECT gate_fault_of(w.item, 'undo-in-batch', '{}') FROM unnest(p_work) w WHERE w.is_undo);
    END IF;
    IF v_kinds && '{return,reverse}' THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_undo(p_work, p_legs) f); END IF;
    IF 'pay' = ANY (v_kinds) THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_payment_faults(p_work, p_legs) f);
        v_stale := gate_stale(p_work);
        IF cardinality(v_stale) > 0 THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_lines(v_stale) f); END IF;
    END IF;
    IF cardinality(v_faults) > 0 THEN
        PERFORM gate_refuse(jsonb_agg(to_jsonb(f) ORDER BY f.item, f.dimension, f.code, f.line_no)) FROM unnest(v_faults) f;
    END IF;
END $$;

-- Approval and allocations that come into being with the entry, then the entries themselves.
CREATE FUNCTION gate_write_heads(p_work gate_work[], p_legs gate_leg[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH made AS (
        INSERT INTO approval (book, approval_id, instruction_id, content_sha256, approver_id, order_no, approved_at)
        SELECT w.book, gen_random_uuid(), w.instruction_id, w.approved_sha256, w.actor_id, nextval('record_order'), p_now
        FROM unnest(p_work) w WHERE NOT w.is_payment RETURNING order_no, book, approval_id)
    INSERT INTO log_queue (order_no, book, kind, record_id) SELECT order_no, book, 'approval', approval_id FROM made;

    IF EXISTS (SELECT FROM unnest(p_work) w WHERE w.entry_kind IN ('allocate', 'adopt_own')) THEN
        INSERT INTO allocation (book, allocation_id, origin_book, district, fund_code, fiscal_year, village_code, document_no,
                                supplementary_document_no, budget_line_id, entry_id)
        SELECT t.book, l.allocation_id, l.book, CASE w.entry_kind WHEN 'allocate' THEN l.district ELSE l.book END, l.fund_code, l.fiscal_year, l.village_code,
               coalesce(l.allocation_document_no, w.document_no), w.exception_document_no, l.budget_line_id, w.entry_id
        FROM unnest(p_work) w
        CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
        CROSS JOIN LATERAL (SELECT l.book UNION SELECT l.district WHERE w.entry_kind = 'allocate') t (book)
        WHERE w.entry_kind IN ('allocate', 'adopt_own')
        ORDER BY t.book, l.village_code, l.allocation_id;   -- calls that want the same villages wait for each other in one order
    END IF;

    WITH head AS (
        SELECT l.item, l.book, l.entry_id, count(*) AS legs, sum(l.amount)::bigint AS total,
               count(*) OVER (PARTITION BY l.item) > 1 AS crosses
        FROM unnest(p_legs) l GROUP BY l.item, l.book, l.entry_id
    ), made AS (
        INSERT INTO entry (book, entry_id, entry_kind, instruction_id, crossing_id, effective_on, document_no, summary, functional_class,
            economic_class, officer_id, supervisor_id, maker_id, approver_id, payer_id, content_sha256, line_count, total, order_no, recorded_at)
        SELECT h.book, h.entry_id, w.entry_kind, w.instruction_id, CASE WHEN h.crosses THEN w.instruction_id END, w.effective_on,
               w.document_no, n.summary, n.functional_class, n.economic_class, w.officer_id, w.supervisor_id, w.maker_id,
               CASE WHEN w.is_payment THEN w.approver_id ELSE w.actor_id END, CASE WHEN w.is_payment THEN w.actor_id END,
               coalesce(w.content_sha256, w.approved_sha256), CASE WHEN w.is_payment THEN w.line_count ELSE h.legs END, h.total,
               nextval('record_order'), p_now
        FROM head h JOIN unnest(p_work) w ON w.item = h.item
        CROSS JOIN LATERAL (SELECT * FROM instruction n WHERE n.book = w.book AND n.instruction_id = w.instruction_id OFFSET 0) n
        ORDER BY h.item, h.entry_id = w.entry_id DESC   -- order_no is drawn in the order the totals were given out
        RETURNING order_no, book, entry_id)
    INSERT INTO log_queue (order_no, book, kind, record_id) SELECT order_no, book, 'entry', entry_id FROM made;
END $$;

-- Transfers: one per leg, or one per line of a payment list, tiling each account's totals without a gap.
CREATE FUNCTION gate_write_transfers(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transfer (book, entry_id, line_no, debit_account, credit_account, amount, debit_before, debit_after,
                          credit_before, credit_after, undoes_entry_id, undoes_line_no, undoes_before, undoes_amount, payee_id)
    SELECT l.book, l.entry_id, l.leg_no, l.debit_account, l.credit_account, l.amount, l.debit_before, l.debit_before + l.amount,
           l.credit_before, l.credit_before + l.amount, l.undoes_entry_id, l.undoes_line_no, l.undoes_before, l.undoes_amount, t.payee_id
    FROM unnest(p_legs) l
    LEFT JOIN LATERAL (SELECT * FROM transfer t WHERE l.entry_kind = 'return' AND t.book = l.book AND t.entry_id = l.undoes_entry_id
                       AND t.line_no = l.undoes_line_no OFFSET 0) t ON true
    WHERE l.entry_kind <> 'pay';

    INSERT INTO transfer (book, entry_id, line_no, debit_account, credit_account, amount, debit_before, debit_after,
                          credit_before, credit_after, payee_id)
    SELECT g.book, g.entry_id, p.line_no, g.debit_account, g.credit_account, p.amount, g.debit_before + p.upto - p.amount,
           g.debit_before + p.upto, g.credit_before + p.upto - p.amount, g.credit_before + p.upto, p.payee_id
    FROM unnest(p_legs) g
    CROSS JOIN LATERAL (
        SELECT l.line_no, l.amount, l.payee_id, (sum(l.amount) OVER (ORDER BY l.line_no))::bigint AS upto
        FROM payment_line l WHERE l.book = g.book AND l.instruction_id = g.instruction_id AND l.leg_no = g.leg_no) p
    WHERE g.entry_kind = 'pay';
END $$;

CREATE FUNCTION gate_flows(p_legs gate_leg[])
RETURNS TABLE (book bigint, account_id uuid, effective_on date, received bigint, given bigint, undone bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT l.book, l.debit_account, l.effective_on, l.amount, 0::bigint, 0::bigint FROM unnest(p_legs) l
    UNION ALL
    SELECT l.book, l.credit_account, l.effective_on, 0, l.amount, CASE WHEN l.undoes_entry_id IS NULL THEN 0 ELSE l.amount END
    FROM unnest(p_legs) l
$$;

-- Upserts rather than updates: the arbiter index pins the look-up. The row proposed carries the new totals, so that the
-- check on it (never below zero) is the check on the result.
CREATE FUNCTION gate_write_totals(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_balance AS b (book, account_id, is_source, received, given, given_undone, last_effective_on)
    SELECT f.book, f.account_id, o.is_source, o.received + f.received, o.given + f.given, o.given_undone + f.undone,
           greatest(o.last_effective_on, f.last_on)
    FROM (SELECT e.book, e.account_id, sum(e.received)::bigint AS received, sum(e.given)::bigint AS given,
                 sum(e.undone)::bigint AS undone, max(e.effective_on) AS last_on
          FROM gate_flows(p_legs) e GROUP BY e.book, e.account_id) f
    CROSS JOIN LATERAL (SELECT * FROM account_balance o WHERE o.book = f.book AND o.account_id = f.account_id OFFSET 0) o
    ON CONFLICT (book, account_id) DO UPDATE SET received = excluded.received, given = excluded.given,
        given_undone = excluded.given_undone, last_effective_on = excluded.last_effective_on;

    INSERT INTO account_day AS d (book, account_id, day, received, given)
    SELECT e.book, e.account_id, e.effective_on, sum(e.received)::bigint, sum(e.given)::bigint
    FROM gate_flows(p_legs) e GROUP BY e.book, e.account_id, e.effective_on
    ON CONFLICT (book, account_id, day) DO UPDATE SET received = d.received + excluded.received, given = d.given + excluded.given;
END $$;

-- Tells later payments of the same programme and year that somebody was paid since they were approved.
CREATE FUNCTION gate_mark_windows(p_work gate_work[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO claim_window AS c (book, programme_code, year, paid_order_no)
    SELECT w.book, w.programme_code, left(w.period, 4), max(e.order_no) FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT e.order_no FROM entry e WHERE e.book = w.book AND e.entry_id = w.entry_id OFFSET 0) e
    WHERE w.is_payment AND w.payee_kind <> 'organisation' GROUP BY 1, 2, 3
    ON CONFLICT (book, programme_code, year) DO UPDATE SET paid_order_no = greatest(c.paid_order_no, excluded.paid_order_no);
END $$;

-- Budget lines come into being with `adopt`; they stand before the legs are read because allocations hang on them.
CREATE FUNCTION gate_open_budget_lines(p_work gate_work[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO budget_line (book, budget_line_id, fund_code, fiscal_year, document_no)
    SELECT l.book, l.budget_line_id, l.fund_code, l.fiscal_year, n.document_no
    FROM unnest(p_work) n
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE n.entry_kind = 'adopt' AND l.book = n.book AND l.instruction_id = n.instruction_id OFFSET 0) l
    WHERE l.budget_line_id IS NOT NULL
    ORDER BY l.book, l.budget_line_id ON CONFLICT (book, budget_line_id) DO NOTHING;
END $$;

-- Posts instructions. `entry_ids` are made by the caller (UUIDv7); each item's answer is its entry and whether the key
-- was seen before: outcome posted | replayed | key-conflict. Refusals: SQLSTATE FL001, DETAIL = JSON array of faults.
CREATE FUNCTION gate_post(p_books bigint[], p_instructions uuid[], p_entries uuid[], p_crossings uuid[], p_actors uuid[],
                          p_hashes bytea[], p_keys text[], p_requests bytea[])
RETURNS TABLE (item integer, outcome text, entry_id uuid, recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_items gate_item[] := ARRAY(SELECT ROW(u.n, u.b, u.i, u.e, u.x, u.a, u.h, u.k, u.r)::gate_item
        FROM unnest(p_books, p_instructions, p_entries, p_crossings, p_actors, p_hashes, p_keys, p_requests)
             WITH ORDINALITY AS u (b, i, e, x, a, h, k, r, n) ORDER BY u.n);
    v_fresh gate_item[];
    v_work gate_work[];
    v_legs gate_leg[];
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(i.item, 'actor-unknown', '{}')))) FROM unnest(v_items) i
    WHERE NOT EXISTS (SELECT FROM staff s WHERE s.book = i.book AND s.staff_id = i.actor_id);
    v_fresh := gate_claim(v_items);
    IF cardinality(v_fresh) > 0 THEN
        PERFORM gate_lock_instructions(v_fresh);
        v_work := gate_load(v_fresh);
        PERFORM gate_open_budget_lines(v_work);
        v_legs := gate_legs(v_work);
        PERFORM gate_refuse_overflow(v_legs);
        PERFORM gate_lock_periods(v_legs);
        PERFORM gate_lock_payments(v_work);
        PERFORM gate_open_accounts(v_legs);
        PERFORM gate_lock_balances(v_legs);
        v_legs := gate_totals(v_legs);
        v_work := gate_load(v_fresh);       -- again: what was committed while we waited for the locks counts
        PERFORM gate_check(v_work, v_legs);
        PERFORM gate_write_heads(v_work, v_legs, clock_timestamp());
        PERFORM gate_write_transfers(v_legs);
        PERFORM gate_write_totals(v_legs);
        PERFORM gate_mark_windows(v_work);
    END IF;
    RETURN QUERY
        SELECT i.item, CASE WHEN y.record_id = i.entry_id THEN 'posted'
                            WHEN y.request_sha256 = i.request_sha256 THEN 'replayed' ELSE 'key-conflict' END,
               e.entry_id, e.recorded_at
        FROM unnest(v_items) i
        JOIN staff s ON s.book = i.book AND s.staff_id = i.actor_id
        CROSS JOIN LATERAL (SELECT * FROM idempotency y WHERE y.book = i.book AND y.unit_id = s.unit_id AND y.key = i.key OFFSET 0) y
        LEFT JOIN LATERAL (SELECT * FROM entry e WHERE e.book = i.book AND e.entry_id = y.record_id OFFSET 0) e ON true
        ORDER BY i.item;
END $$;
