-- 删除个人信息: after the time for which vouchers are kept, two people of one office take away what opens the commitments of paid
-- lines: the salts, and name and card sealed (payment_line_private). Which lines, by whom and under which document is a record
-- of its own and a leaf of the log; never what was erased. Commitments, lines and proofs stay (docs/erasure.md).

-- The accounting archives' own figure; version 1 was a demonstration figure.
WITH made AS (
    INSERT INTO parameter (code, version, value, unit, valid_from, valid_to, source, note)
    VALUES ('erasure_retention_months', 2, 360, 'months', '2016-01-01', NULL, '会计档案管理办法（财政部 国家档案局令第79号）第十四条、第十五条，附表二第3、4项',
            'vouchers of public units and of the general budget: at least 30 years from the first day after the fiscal year')
    RETURNING parameter_id)
INSERT INTO log_queue (order_no, book, kind, record_id) SELECT nextval('record_order'), 420100, 'parameter', parameter_id FROM made;

CREATE TABLE erasure_proposal (
    book        bigint NOT NULL REFERENCES book (book),
    proposal_id uuid   NOT NULL,
    document_no text   NOT NULL CHECK (document_no <> ''),
    reason      text   NOT NULL CHECK (reason <> ''),
    proposed_by uuid   NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, proposal_id),
    FOREIGN KEY (book, proposed_by) REFERENCES staff (book, staff_id)
);

CREATE TABLE erasure_proposal_line (
    book           bigint  NOT NULL,
    proposal_id    uuid    NOT NULL,
    instruction_id uuid    NOT NULL,
    line_no        integer NOT NULL,
    PRIMARY KEY (book, proposal_id, instruction_id, line_no),
    FOREIGN KEY (book, proposal_id) REFERENCES erasure_proposal (book, proposal_id),
    FOREIGN KEY (book, instruction_id, line_no) REFERENCES payment_line (book, instruction_id, line_no)
);
CREATE INDEX erasure_proposal_line_of ON erasure_proposal_line (book, instruction_id, line_no);

CREATE TABLE erasure (                      -- approved, and done in the same transaction
    book           bigint  NOT NULL,
    erasure_id     uuid    NOT NULL,
    proposal_id    uuid    NOT NULL,
    approver_id    uuid    NOT NULL,
    content_sha256 bytea   NOT NULL CHECK (length(content_sha256) = 32),
    retention_months bigint NOT NULL,       -- as the policy had it on that day
    approved_at    timestamptz NOT NULL,
    PRIMARY KEY (book, erasure_id),
    UNIQUE (book, proposal_id),
    FOREIGN KEY (book, proposal_id) REFERENCES erasure_proposal (book, proposal_id),
    FOREIGN KEY (book, approver_id) REFERENCES staff (book, staff_id)
);

CREATE TABLE erasure_rejection (            -- 退回
    book        bigint NOT NULL,
    proposal_id uuid   NOT NULL,
    approver_id uuid   NOT NULL,
    reason      text   NOT NULL CHECK (reason <> ''),
    rejected_at timestamptz NOT NULL,
    PRIMARY KEY (book, proposal_id),
    FOREIGN KEY (book, proposal_id) REFERENCES erasure_proposal (book, proposal_id),
    FOREIGN KEY (book, approver_id) REFERENCES staff (book, staff_id)
);

-- Openings are removed by an approved erasure, and by nothing and nobody else; they never change.
DROP TRIGGER payment_line_private_append_only ON payment_line_private;
CREATE FUNCTION refuse_change_of_opening() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM erasure_proposal_line l JOIN erasure e ON e.book = l.book AND e.proposal_id = l.proposal_id
                   WHERE l.book = OLD.book AND l.instruction_id = OLD.instruction_id AND l.line_no = OLD.line_no) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'fundledger: % on % is refused: the record is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER payment_line_private_append_only BEFORE UPDATE OR DELETE ON payment_line_private
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_opening();

-- And once erased they do not come back under the same commitments.
CREATE FUNCTION refuse_opening_again() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added a CROSS JOIN LATERAL (
                   SELECT FROM erasure_proposal_line l JOIN erasure e ON e.book = l.book AND e.proposal_id = l.proposal_id
                   WHERE l.book = a.book AND l.instruction_id = a.instruction_id AND l.line_no = a.line_no OFFSET 0) x) THEN
        RAISE EXCEPTION 'fundledger: this opening was erased' USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER payment_line_private_once AFTER INSERT ON payment_line_private REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_opening_again();

-- The day of the last posting that moved a paid line again: sent back, paid again, settled, or its settlement taken back. NULL: none.
CREATE FUNCTION last_moved_on(p_book bigint, p_entry uuid, p_line integer) RETURNS date
LANGUAGE sql STABLE AS $$
    SELECT max(f.effective_on) FROM (
            SELECT t.entry_id FROM transfer t WHERE t.book = p_book AND t.undoes_entry_id = p_entry AND t.undoes_line_no = p_line
            UNION ALL SELECT t.entry_id FROM transfer t WHERE t.book = p_book AND t.reissues_entry_id = p_entry AND t.reissues_line_no = p_line
            UNION ALL SELECT t.entry_id FROM transfer t WHERE t.book = p_book AND t.settles_entry_id = p_entry AND t.settles_line_no = p_line
            UNION ALL SELECT u.entry_id FROM transfer t JOIN transfer u ON u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no
                      WHERE t.book = p_book AND t.settles_entry_id = p_entry AND t.settles_line_no = p_line) t
        JOIN entry f ON f.book = p_book AND f.entry_id = t.entry_id
$$;

-- How each line of a proposal stands: `kept_until` is the last day before it may be erased, NULL while nothing has ended: the
-- time runs from the end of the year of its last movement (paid, returned, paid again, settled), or of a list's rejection.
CREATE FUNCTION erasure_lines(p_book bigint, p_proposal uuid)
RETURNS TABLE (instruction_id uuid, line_no integer, is_open boolean, waits boolean, kept_until date)
LANGUAGE sql STABLE AS $$
    SELECT l.instruction_id, l.line_no, s.book IS NOT NULL,
           e.entry_id IS NOT NULL AND EXISTS (SELECT FROM reissuable_line r WHERE r.book = l.book AND r.instruction_id = l.instruction_id AND r.line_no = l.line_no),
           (make_date(extract(year FROM greatest(e.effective_on, last_moved_on(l.book, e.entry_id, l.line_no), (j.rejected_at AT TIME ZONE 'Asia/Shanghai')::date))::integer + 1, 1, 1)
            + make_interval(months => parameter_value('erasure_retention_months', shanghai_today())::integer))::date - 1
    FROM erasure_proposal_line l
    LEFT JOIN LATERAL (SELECT s.book FROM payment_line_private s WHERE s.book = l.book AND s.instruction_id = l.instruction_id
                       AND s.line_no = l.line_no OFFSET 0) s ON true
    LEFT JOIN LATERAL (SELECT e.entry_id, e.effective_on FROM entry e WHERE e.book = l.book AND e.instruction_id = l.instruction_id OFFSET 0) e ON true
    LEFT JOIN LATERAL (SELECT j.rejected_at FROM rejection j WHERE j.book = l.book AND j.instruction_id = l.instruction_id OFFSET 0) j ON true
    WHERE l.book = p_book AND l.proposal_id = p_proposal
$$;

-- What is wrong with a proposal's lines, one row per code: nothing named, erased before, money still on its way, too early.
CREATE FUNCTION erasure_faults(p_book bigint, p_proposal uuid) RETURNS TABLE (code text, params jsonb)
LANGUAGE sql STABLE AS $$
    WITH lines AS MATERIALIZED (SELECT * FROM erasure_lines(p_book, p_proposal))
    SELECT 'erasure-nothing', '{}'::jsonb WHERE NOT EXISTS (SELECT FROM lines)
    UNION ALL SELECT 'erasure-line-erased', jsonb_build_object('count', count(*)) FROM lines WHERE NOT is_open HAVING count(*) > 0
    UNION ALL SELECT 'erasure-line-waits', jsonb_build_object('count', count(*)) FROM lines WHERE waits HAVING count(*) > 0
    UNION ALL SELECT 'erasure-too-early', jsonb_build_object('count', count(*), 'kept_until', max(kept_until)) FROM lines
    WHERE (kept_until < shanghai_today()) IS NOT TRUE HAVING count(*) > 0
$$;

-- The lists a proposal touches: its line numbers as ranges, and the SHA-256 over `line_no|name_commitment|card_commitment`.
CREATE FUNCTION erasure_scope(p_book bigint, p_proposal uuid)
RETURNS TABLE (instruction_id uuid, lines text[], line_count bigint, commitments_sha256 bytea)
LANGUAGE sql STABLE AS $$
    WITH scope AS (
        SELECT l.instruction_id, range_agg(int4range(l.line_no, l.line_no + 1)) AS numbers, count(*) AS line_count,
               sha256(convert_to(string_agg(l.line_no || '|' || encode(p.name_commitment, 'hex') || '|' || encode(p.card_commitment, 'hex'), E'\n'
                                            ORDER BY l.line_no), 'UTF8')) AS commitments_sha256
        FROM erasure_proposal_line l
        JOIN payment_line p ON p.book = l.book AND p.instruction_id = l.instruction_id AND p.line_no = l.line_no
        WHERE l.book = p_book AND l.proposal_id = p_proposal GROUP BY l.instruction_id)
    SELECT s.instruction_id,
           ARRAY(SELECT CASE WHEN upper(r) - lower(r) = 1 THEN lower(r)::text ELSE lower(r) || '-' || (upper(r) - 1) END
                 FROM unnest(s.numbers) r ORDER BY lower(r)),
           s.line_count, s.commitments_sha256
    FROM scope s
$$;

-- The SHA-256 of exactly what is approved (docs/formats.md).
CREATE FUNCTION erasure_digest(p_book bigint, p_proposal uuid) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(json_build_array('fundledger-erasure-v1', p.book, p.proposal_id, p.document_no, p.reason, p.proposed_by)::text
        || coalesce((SELECT string_agg(E'\n' || json_build_array('list', s.instruction_id, array_to_string(s.lines, ','), s.line_count,
                         encode(s.commitments_sha256, 'hex'))::text, '' ORDER BY s.instruction_id)
                     FROM erasure_scope(p.book, p.proposal_id) s), ''), 'UTF8'))
    FROM erasure_proposal p WHERE p.book = p_book AND p.proposal_id = p_proposal
$$;

-- Who decides: an approver of the same office as the proposer, not the proposer; once (the proposal is taken whole).
CREATE FUNCTION erasure_decision_faults(p_book bigint, p_proposal uuid, p_approver uuid) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM 1 FROM erasure_proposal p WHERE p.book = p_book AND p.proposal_id = p_proposal FOR UPDATE;
    RETURN QUERY
        SELECT v.code FROM (SELECT) one
        LEFT JOIN erasure_proposal p ON p.book = p_book AND p.proposal_id = p_proposal
        LEFT JOIN staff m ON m.book = p.book AND m.staff_id = p.proposed_by
        LEFT JOIN unit u ON u.book = m.book AND u.unit_id = m.unit_id
        LEFT JOIN staff s ON s.book = p_book AND s.staff_id = p_approver
        CROSS JOIN LATERAL (VALUES
            (p.proposal_id IS NULL, 'erasure-not-found'),
            (EXISTS (SELECT FROM erasure a WHERE a.book = p_book AND a.proposal_id = p_proposal)
             OR EXISTS (SELECT FROM erasure_rejection r WHERE r.book = p_book AND r.proposal_id = p_proposal), 'erasure-decided'),
            (p.proposed_by = p_approver, 'duties-not-separate'),
            (p.proposal_id IS NOT NULL AND ('maker' = ANY (m.duties) AND u.kind IN ('finance', 'poverty_office')) IS NOT TRUE, 'maker-without-duty'),
            (('approver' = ANY (s.duties)) IS NOT TRUE, 'approver-without-duty'),
            (p.proposal_id IS NOT NULL AND (s.unit_id = m.unit_id) IS NOT TRUE, 'erasure-other-office')) v (broken, code)
        WHERE v.broken;
END $$;

-- Erases exactly what was proposed, and queues the record for the log, in one transaction. Two erasures of one line meet at its
-- row: the second finds fewer than it names.
CREATE FUNCTION approve_erasure(p_book bigint, p_proposal uuid, p_hash bytea, p_approver uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_id uuid := gen_random_uuid();
    v_named bigint;
    v_gone bigint;
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f, '{}')) ORDER BY f)) FROM erasure_decision_faults(p_book, p_proposal, p_approver) f;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, v.code, v.params)) ORDER BY v.code)) FROM (
        SELECT 'content-changed' AS code, '{}'::jsonb AS params WHERE erasure_digest(p_book, p_proposal) IS DISTINCT FROM p_hash
        UNION ALL SELECT f.code, f.params FROM erasure_faults(p_book, p_proposal) f) v;
    INSERT INTO erasure (book, erasure_id, proposal_id, approver_id, content_sha256, retention_months, approved_at)
    VALUES (p_book, v_id, p_proposal, p_approver, p_hash, parameter_value('erasure_retention_months', shanghai_today()), clock_timestamp());
    SELECT count(*) INTO v_named FROM erasure_proposal_line l WHERE l.book = p_book AND l.proposal_id = p_proposal;
    DELETE FROM payment_line_private s USING erasure_proposal_line l
    WHERE l.book = p_book AND l.proposal_id = p_proposal AND s.book = l.book AND s.instruction_id = l.instruction_id AND s.line_no = l.line_no;
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    IF v_gone <> v_named THEN
        PERFORM gate_refuse(jsonb_build_array(to_jsonb(gate_fault_of(1, 'erasure-line-erased', jsonb_build_object('count', v_named - v_gone)))));
    END IF;
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (nextval('record_order'), p_book, 'erasure', v_id);
    RETURN v_id;
END $$;

CREATE FUNCTION reject_erasure(p_book bigint, p_proposal uuid, p_approver uuid, p_reason text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz;
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f, '{}')) ORDER BY f)) FROM erasure_decision_faults(p_book, p_proposal, p_approver) f;
    v_now := clock_timestamp();
    INSERT INTO erasure_rejection (book, proposal_id, approver_id, reason, rejected_at) VALUES (p_book, p_proposal, p_approver, p_reason, v_now);
    RETURN v_now;
END $$;

-- Nobody adds a line to a proposal that was decided. After the foreign key has waited for a decision under way, not before.
CREATE FUNCTION refuse_line_of_decided() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT book, proposal_id FROM added) a
               WHERE EXISTS (SELECT FROM erasure e WHERE e.book = a.book AND e.proposal_id = a.proposal_id)
                  OR EXISTS (SELECT FROM erasure_rejection r WHERE r.book = a.book AND r.proposal_id = a.proposal_id)) THEN
        RAISE EXCEPTION 'fundledger: the proposal was decided' USING ERRCODE = '42501';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER erasure_proposal_line_open AFTER INSERT ON erasure_proposal_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_line_of_decided();

CREATE VIEW erasure_state AS                -- a proposal and what became of it; no personal data
    SELECT p.book, p.proposal_id, p.document_no, p.reason, p.proposed_by, p.proposed_at, erasure_digest(p.book, p.proposal_id) AS content_sha256,
           e.erasure_id, e.retention_months, r.reason AS rejection_reason, coalesce(e.approver_id, r.approver_id) AS decided_by,
           coalesce(e.approved_at, r.rejected_at) AS decided_at,
           CASE WHEN e.erasure_id IS NOT NULL THEN 'approved' WHEN r.proposal_id IS NOT NULL THEN 'rejected' ELSE 'proposed' END AS status
    FROM erasure_proposal p
    LEFT JOIN erasure e ON e.book = p.book AND e.proposal_id = p.proposal_id
    LEFT JOIN erasure_rejection r ON r.book = p.book AND r.proposal_id = p.proposal_id;

GRANT INSERT (book, proposal_id, document_no, reason, proposed_by) ON erasure_proposal TO fundledger_service;
GRANT INSERT ON erasure_proposal_line TO fundledger_service;
GRANT SELECT ON erasure_state TO fundledger_service, fundledger_reader;
GRANT SELECT ON erasure_proposal, erasure_proposal_line, erasure, erasure_rejection TO fundledger_reader;
GRANT SELECT (book, instruction_id, line_no) ON payment_line_private TO fundledger_reader;   -- whether there is one: verify asks
