-- The gate: approving a list of any kind of payment (see 0001/67_).

-- Approves a payment list: names the digest the approver saw. Every line is checked now, under the lock of its programme
-- and year; paying looks at the lines again only where something changed since (gate_stale).
CREATE OR REPLACE FUNCTION gate_approve(p_book bigint, p_instruction uuid, p_hash bytea, p_approver uuid, p_approval uuid)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_order bigint;
    v_faults text[];
    v_items gate_item[] := ARRAY[ROW(1, p_book, p_instruction, p_instruction, p_instruction, NULL, NULL, NULL, NULL)::gate_item];
    v_work gate_work[];
    v_xmin xid8;
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM gate_lock_instructions(v_items);
    v_work := gate_load(v_items);           -- only now: the list may have been committed while we waited
    PERFORM gate_lock_payments(v_work);
    v_work := gate_load(v_items);
    v_xmin := pg_snapshot_xmin(pg_current_snapshot());
    SELECT array_remove(ARRAY[
        CASE WHEN n.instruction_id IS NULL THEN 'instruction-not-found' END,
        CASE WHEN NOT k.is_payment THEN 'approve-by-posting' END,
        CASE WHEN EXISTS (SELECT FROM rejection r WHERE r.book = p_book AND r.instruction_id = p_instruction) THEN 'instruction-rejected' END,
        CASE WHEN EXISTS (SELECT FROM approval a WHERE a.book = p_book AND a.instruction_id = p_instruction) THEN 'already-approved' END,
        CASE WHEN n.instruction_id IS NOT NULL AND instruction_digest(p_book, p_instruction) IS DISTINCT FROM p_hash THEN 'content-changed' END,
        CASE WHEN n.maker_id = p_approver THEN 'duties-not-separate' END,
        CASE WHEN n.instruction_id IS NOT NULL AND ('approver' = ANY (s.duties) AND u.kind = ANY (k.maker_units)) IS NOT TRUE
             THEN 'approver-without-duty' END], NULL)
    INTO v_faults
    FROM (SELECT) one
    LEFT JOIN instruction n ON n.book = p_book AND n.instruction_id = p_instruction
    LEFT JOIN entry_kind k ON k.entry_kind = n.entry_kind
    LEFT JOIN staff s ON s.book = p_book AND s.staff_id = p_approver
    LEFT JOIN unit u ON u.book = p_book AND u.unit_id = s.unit_id;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f, '{}')))) FROM unnest(v_faults) f;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f) ORDER BY f.line_no, f.code)) FROM (
        SELECT * FROM gate_check_lines(v_work) UNION ALL SELECT * FROM gate_check_reissues(v_work, gate_legs(v_work))) f;
    v_order := nextval('record_order');
    INSERT INTO approval (book, approval_id, instruction_id, content_sha256, approver_id, order_no, approved_at, checked_xmin)
    VALUES (p_book, p_approval, p_instruction, p_hash, p_approver, v_order, v_now, v_xmin);
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'approval', p_approval);
    RETURN v_now;
END $$;
