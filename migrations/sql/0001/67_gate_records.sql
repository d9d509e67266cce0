-- The other records that only a function may write: approvals of payment lists, closes, refusals, notices, log leaves.

-- Approves a payment list: names the digest the approver saw. Every line is checked now, under the lock of its programme
-- and year; paying looks at the lines again only where something changed since (gate_stale).
CREATE FUNCTION gate_approve(p_book bigint, p_instruction uuid, p_hash bytea, p_approver uuid, p_approval uuid)
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
        CASE WHEN n.entry_kind <> 'pay' THEN 'approve-by-posting' END,
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
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f) ORDER BY f.line_no, f.code)) FROM gate_check_lines(v_work) f;
    v_order := nextval('record_order');
    INSERT INTO approval (book, approval_id, instruction_id, content_sha256, approver_id, order_no, approved_at, checked_xmin)
    VALUES (p_book, p_approval, p_instruction, p_hash, p_approver, v_order, v_now, v_xmin);
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'approval', p_approval);
    RETURN v_now;
END $$;

-- What paying a list would be refused for today; the list need not be approved (preview), nor committed.
CREATE FUNCTION payment_faults(p_book bigint, p_instruction uuid) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_items gate_item[] := ARRAY[ROW(1, p_book, p_instruction, p_instruction, p_instruction, NULL, NULL, NULL, NULL)::gate_item];
    v_work gate_work[] := gate_load(v_items);
    v_legs gate_leg[] := gate_legs(v_work);
BEGIN
    RETURN QUERY SELECT * FROM gate_payment_faults(v_work, v_legs)
        UNION ALL SELECT * FROM gate_check_lines(v_work)
        UNION ALL SELECT * FROM gate_check_officers(v_work)
        UNION ALL SELECT * FROM gate_check_periods(v_legs)
        UNION ALL SELECT f.* FROM gate_check_instruction(v_work) f WHERE f.code IN ('date-in-future', 'amount-too-large', 'already-posted')
        UNION ALL SELECT * FROM gate_check_balances(gate_totals(v_legs))
        UNION ALL       -- an account that nobody has opened yet has nothing
        SELECT 1, 'funds', 'balance-insufficient', NULL::integer, jsonb_build_object('account_kind', l.payer_kind,
               'allocation_id', l.allocation_id, 'project_id', l.project_id, 'shortfall', l.amount)
        FROM unnest(v_legs) l
        WHERE NOT EXISTS (SELECT FROM account_balance b WHERE b.book = l.book AND b.account_id = l.credit_account);
END $$;

-- Closing takes the month's row whole: postings that share it finish first, later ones see it closed.
CREATE FUNCTION gate_close_period(p_book bigint, p_month date, p_id uuid, p_staff uuid, p_document text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz;
    v_order bigint;
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM gate_refuse(jsonb_build_array(to_jsonb(gate_fault_of(1, f.code, f.params)))) FROM (
        SELECT 'period-not-over' AS code, jsonb_build_object('month', p_month) AS params
        WHERE p_month + interval '1 month' > shanghai_today()
        UNION ALL
        SELECT 'closer-without-duty', '{}' WHERE NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
            WHERE s.book = p_book AND s.staff_id = p_staff AND u.kind = 'finance' AND 'approver' = ANY (s.duties))) f;
    INSERT INTO period (book, month) VALUES (p_book, p_month) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM period WHERE book = p_book AND month = p_month FOR UPDATE;
    PERFORM gate_refuse(jsonb_build_array(to_jsonb(gate_fault_of(1, 'period-closed', jsonb_build_object('book', p_book::text, 'month', p_month)))))
    FROM period_close WHERE book = p_book AND month = p_month;
    v_now := clock_timestamp();
    v_order := nextval('record_order');
    INSERT INTO period_close (book, month, period_close_id, closed_by, document_no, order_no, closed_at)
    VALUES (p_book, p_month, p_id, p_staff, p_document, v_order, v_now);
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'period_close', p_id);
    RETURN v_now;
END $$;

-- Keeps a refusal as evidence (rule 11) and returns its id; a repeat of the same call is counted.
CREATE FUNCTION record_refusal(p_book bigint, p_id uuid, p_code text, p_staff uuid, p_action text, p_subject uuid,
                               p_request bytea, p_detail jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_order bigint := nextval('record_order');
    v_kept uuid;
BEGIN
    INSERT INTO refusal (book, refusal_id, code, staff_id, unit_id, action, subject_id, request_sha256, detail, order_no, refused_at)
    SELECT p_book, p_id, p_code, s.staff_id, s.unit_id, p_action, p_subject, p_request, p_detail, v_order, v_now
    FROM staff s WHERE s.book = p_book AND s.staff_id = p_staff
    ON CONFLICT (book, staff_id, action, code, request_sha256) DO NOTHING RETURNING refusal_id INTO v_kept;
    IF v_kept IS NOT NULL THEN
        INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'refusal', v_kept);
    ELSE
        INSERT INTO refusal_count AS c (book, refusal_id, repeats, last_at)
        SELECT r.book, r.refusal_id, 1, v_now FROM refusal r
        WHERE r.book = p_book AND r.staff_id = p_staff AND r.action = p_action AND r.code = p_code AND r.request_sha256 = p_request
        ON CONFLICT (book, refusal_id) DO UPDATE SET repeats = c.repeats + 1, last_at = v_now
        RETURNING c.refusal_id INTO v_kept;
    END IF;
    RETURN v_kept;
END $$;

CREATE FUNCTION publish_notice(p_book bigint, p_id uuid, p_version integer, p_subject_kind text, p_subject uuid, p_level text,
    p_channel text, p_from date, p_to date, p_amount bigint, p_document text, p_staff uuid) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_order bigint := nextval('record_order');
BEGIN
    INSERT INTO notice (book, notice_id, version, subject_kind, subject_id, level, channel, published_from, published_to, amount,
                        document_no, recorded_by, order_no, recorded_at)
    VALUES (p_book, p_id, p_version, p_subject_kind, p_subject, p_level, p_channel, p_from, p_to, p_amount, p_document, p_staff, v_order, v_now);
    INSERT INTO log_queue (order_no, book, kind, record_id, version) VALUES (v_order, p_book, 'notice', p_id, p_version);
    RETURN v_now;
END $$;

-- The sequencer's only way: gives queued records the next positions, in order_no order. One caller at a time.
CREATE FUNCTION log_append(p_orders bigint[], p_hashes bytea[], p_roots bytea[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_next bigint;
    v_done bigint;
    v_now timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    -- Never earlier than the last one, whatever the clock did: a timestamp maps to one position.
    SELECT coalesce(max(position) + 1, 0), greatest(clock_timestamp(), max(appended_at)) INTO v_next, v_now
    FROM (SELECT position, appended_at FROM log_leaf ORDER BY position DESC LIMIT 1) newest;
    WITH taken AS (
        DELETE FROM log_queue q USING unnest(p_orders, p_hashes, p_roots) AS u (order_no, leaf_hash, lines_root)
        WHERE q.order_no = u.order_no RETURNING q.*, u.leaf_hash, u.lines_root)
    INSERT INTO log_leaf (position, book, kind, record_id, version, leaf_hash, lines_root, appended_at)
    SELECT v_next + row_number() OVER (ORDER BY order_no) - 1, book, kind, record_id, version, leaf_hash, lines_root, v_now FROM taken;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p_orders) THEN
        RAISE EXCEPTION 'log_append: a record is not queued' USING ERRCODE = 'FL002';
    END IF;
    RETURN v_next + v_done;
END $$;

-- The seeded parameters are the first records of the log.
INSERT INTO log_queue (order_no, book, kind, record_id)
SELECT nextval('record_order'), 420100, 'parameter', parameter_id FROM parameter ORDER BY code, version;
