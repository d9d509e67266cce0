-- The gate answers the digest of what it posted too: the receipt of a posting names it (fundledger.sealing.receipt), and a
-- payer names none. Nothing else of it changes; the result's type can't be replaced, so the function is made anew.

DROP FUNCTION gate_post(bigint[], uuid[], uuid[], uuid[], uuid[], bytea[], text[], bytea[]);
CREATE FUNCTION gate_post(p_books bigint[], p_instructions uuid[], p_entries uuid[], p_crossings uuid[], p_actors uuid[],
                          p_hashes bytea[], p_keys text[], p_requests bytea[])
RETURNS TABLE (item integer, outcome text, entry_id uuid, recorded_at timestamptz, content_sha256 bytea)
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
               e.entry_id, e.recorded_at, e.content_sha256
        FROM unnest(v_items) i
        JOIN staff s ON s.book = i.book AND s.staff_id = i.actor_id
        CROSS JOIN LATERAL (SELECT * FROM idempotency y WHERE y.book = i.book AND y.unit_id = s.unit_id AND y.key = i.key OFFSET 0) y
        LEFT JOIN LATERAL (SELECT * FROM entry e WHERE e.book = i.book AND e.entry_id = y.record_id OFFSET 0) e ON true
        ORDER BY i.item;
END $$;

GRANT EXECUTE ON FUNCTION gate_post(bigint[], uuid[], uuid[], uuid[], uuid[], bytea[], text[], bytea[]) TO fundledger_service;

-- As 0002/66_, but each check of settlements is asked for the postings it is about only: of a plain release none of the three
-- can say anything, and starting them took a tenth of its time in the gate (docs/decisions/0015).
DROP FUNCTION gate_check_settlements(gate_work[], gate_leg[]);
CREATE OR REPLACE FUNCTION gate_check(p_work gate_work[], p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_kinds text[] := ARRAY(SELECT DISTINCT w.entry_kind FROM unnest(p_work) w WHERE w.entry_kind IS NOT NULL);
    v_faults gate_fault[];
    v_stale gate_work[];
BEGIN
    PERFORM gate_lock_officers(p_work);
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
    IF 'reverse' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_fund(gate_refunded(p_legs)) f); END IF;
    IF 'settle' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_settling(p_legs) f); END IF;
    IF v_kinds && '{settle,advance_return}' THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_basis(p_work, p_legs) f); END IF;
    IF EXISTS (SELECT FROM unnest(p_work) w WHERE w.release_kind IN ('prepaid', 'topup')) THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_check_prepaid(p_work, p_legs) f);
    END IF;
    IF v_kinds && '{virement,recover,defund,carry_over,surplus,surplus_own,release,reverse}' THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_check_year(p_work, p_legs) f);
    END IF;
    -- What an undo may take depends on what others in the batch spend and undo: it is posted alone.
    IF cardinality(p_work) > 1 AND v_kinds && '{return,reverse,advance_return}' THEN
        v_faults := v_faults || ARRAY(SELECT gate_fault_of(w.item, 'undo-in-batch', '{}') FROM unnest(p_work) w WHERE w.is_undo);
    END IF;
    IF v_kinds && '{return,reverse,advance_return}' THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_undo(p_work, p_legs) f); END IF;
    IF v_kinds && '{pay,advance,pay_other}' THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_payment_faults(p_work, p_legs) f);
        v_stale := gate_stale(p_work);
        IF cardinality(v_stale) > 0 THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_lines(v_stale) f); END IF;
    END IF;
    IF cardinality(v_faults) > 0 THEN
        PERFORM gate_refuse(jsonb_agg(to_jsonb(f) ORDER BY f.item, f.dimension, f.code, f.line_no)) FROM unnest(v_faults) f;
    END IF;
END $$;
