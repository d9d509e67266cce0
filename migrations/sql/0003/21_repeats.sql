-- How often a refused call was repeated (refusal_count) leaves a trace that can't be changed: a mark for each of the first 16
-- repeats and then for each power of two. So `verify --database` derives the count again: exactly up to 16, to less than
-- twice as much beyond, and a caller in a loop still can't fill the table.

CREATE TABLE refusal_repeat (               -- 重复拒绝的痕迹
    book       bigint NOT NULL,
    refusal_id uuid   NOT NULL,
    repeats    bigint NOT NULL CHECK (repeats > 0),
    marked_at  timestamptz NOT NULL,
    PRIMARY KEY (book, refusal_id, repeats)
);
GRANT SELECT ON refusal_repeat TO fundledger_reader;

-- What was counted before there were marks is where they begin.
INSERT INTO refusal_repeat (book, refusal_id, repeats, marked_at) SELECT book, refusal_id, repeats, last_at FROM refusal_count;

-- As before; and a repeat leaves its mark. last_at never goes back, whatever the clock did.
CREATE OR REPLACE FUNCTION record_refusal(p_book bigint, p_id uuid, p_code text, p_staff uuid, p_action text, p_subject uuid,
                                          p_request bytea, p_detail jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_order bigint := nextval('record_order');
    v_kept uuid;
    v_count refusal_count;
BEGIN
    INSERT INTO refusal (book, refusal_id, code, staff_id, unit_id, action, subject_id, request_sha256, detail, order_no, refused_at)
    SELECT p_book, p_id, p_code, s.staff_id, s.unit_id, p_action, p_subject, p_request, p_detail, v_order, v_now
    FROM staff s WHERE s.book = p_book AND s.staff_id = p_staff
    ON CONFLICT (book, staff_id, action, code, request_sha256) DO NOTHING RETURNING refusal_id INTO v_kept;
    IF v_kept IS NOT NULL THEN
        INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'refusal', v_kept);
        RETURN v_kept;
    END IF;
    INSERT INTO refusal_count AS c (book, refusal_id, repeats, last_at)
    SELECT r.book, r.refusal_id, 1, v_now FROM refusal r
    WHERE r.book = p_book AND r.staff_id = p_staff AND r.action = p_action AND r.code = p_code AND r.request_sha256 = p_request
    ON CONFLICT (book, refusal_id) DO UPDATE SET repeats = c.repeats + 1, last_at = greatest(c.last_at, v_now)
    RETURNING c.* INTO v_count;
    IF v_count.repeats <= 16 OR v_count.repeats & (v_count.repeats - 1) = 0 THEN
        INSERT INTO refusal_repeat (book, refusal_id, repeats, marked_at)
        VALUES (v_count.book, v_count.refusal_id, v_count.repeats, v_count.last_at);
    END IF;
    RETURN v_count.refusal_id;
END $$;
