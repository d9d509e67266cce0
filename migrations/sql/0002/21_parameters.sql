-- Policy parameters are changed by two people of the city: one proposes, another approves exactly what was proposed. The
-- service writes proposals; the version itself is written by approve_parameter only, and sealed.
--
-- What counted on a past day stays what counted: parameter_value reads by day, and no version may begin, or go on, in a
-- month that any book has closed. A new version over open days counts from its own first day on.

CREATE TABLE parameter_proposal (           -- 参数调整建议
    book        bigint  NOT NULL CHECK (book = 420100),      -- parameters are the city's
    proposal_id uuid    NOT NULL,
    code        text    NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{1,62}$'),
    value       bigint  NOT NULL,           -- in `unit`
    unit        text    NOT NULL CHECK (unit IN ('fen', 'percent', 'days', 'workdays', 'months', 'count', 'bytes')),
    valid_from  date    NOT NULL,
    valid_to    date,                       -- last day, inclusive; afterwards the version before counts again
    source      text    NOT NULL CHECK (source <> ''),       -- document and clause
    note        text    NOT NULL DEFAULT '',
    proposed_by uuid    NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, proposal_id),
    FOREIGN KEY (book, proposed_by) REFERENCES staff (book, staff_id),
    CONSTRAINT parameter_proposal_value CHECK (value BETWEEN 0 AND 1000000000000000 AND (unit <> 'percent' OR value <= 100)),
    CONSTRAINT parameter_proposal_dates CHECK (isfinite(valid_from) AND valid_from BETWEEN '2000-01-01' AND '2999-12-31'
        AND (valid_to IS NULL OR valid_to BETWEEN valid_from AND '2999-12-31'))
);

CREATE TABLE parameter_approval (           -- names the SHA-256 of the proposal that the approver saw
    book           bigint  NOT NULL,
    proposal_id    uuid    NOT NULL,
    parameter_id   uuid    NOT NULL,
    version        integer NOT NULL,
    approver_id    uuid    NOT NULL,
    content_sha256 bytea   NOT NULL CHECK (length(content_sha256) = 32),
    approved_at    timestamptz NOT NULL,
    PRIMARY KEY (book, proposal_id),
    UNIQUE (book, parameter_id),
    FOREIGN KEY (book, proposal_id) REFERENCES parameter_proposal (book, proposal_id),
    FOREIGN KEY (book, approver_id) REFERENCES staff (book, staff_id)
);

CREATE TABLE parameter_rejection (          -- 退回
    book        bigint NOT NULL,
    proposal_id uuid   NOT NULL,
    approver_id uuid   NOT NULL,
    reason      text   NOT NULL CHECK (reason <> ''),
    rejected_at timestamptz NOT NULL,
    PRIMARY KEY (book, proposal_id),
    FOREIGN KEY (book, proposal_id) REFERENCES parameter_proposal (book, proposal_id),
    FOREIGN KEY (book, approver_id) REFERENCES staff (book, staff_id)
);

-- The SHA-256 of exactly what is approved (docs/formats.md).
CREATE FUNCTION parameter_digest(p_book bigint, p_proposal uuid) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(json_build_array('fundledger-parameter-v1', p.book, p.proposal_id, p.code, p.value::text, p.unit,
        p.valid_from, p.valid_to, p.source, p.note, p.proposed_by)::text, 'UTF8'))
    FROM parameter_proposal p WHERE p.book = p_book AND p.proposal_id = p_proposal
$$;

-- Who decides: an approver of the city's finance bureau or poverty office, not the one who proposed. Takes the proposal
-- whole, so that it is decided once.
CREATE FUNCTION parameter_decision_faults(p_book bigint, p_proposal uuid, p_approver uuid) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM 1 FROM parameter_proposal p WHERE p.book = p_book AND p.proposal_id = p_proposal FOR UPDATE;
    RETURN QUERY
        SELECT v.code FROM (SELECT) one
        LEFT JOIN parameter_proposal p ON p.book = p_book AND p.proposal_id = p_proposal
        LEFT JOIN staff s ON s.book = p_book AND s.staff_id = p_approver
        LEFT JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
        CROSS JOIN LATERAL (VALUES
            (p.proposal_id IS NULL, 'parameter-proposal-not-found'),
            (EXISTS (SELECT FROM parameter_approval a WHERE a.book = p_book AND a.proposal_id = p_proposal)
             OR EXISTS (SELECT FROM parameter_rejection r WHERE r.book = p_book AND r.proposal_id = p_proposal), 'parameter-proposal-decided'),
            (p.proposed_by = p_approver, 'duties-not-separate'),
            (('approver' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office')) IS NOT TRUE, 'approver-without-duty')) v (broken, code)
        WHERE v.broken;
END $$;

-- Makes a proposal the newest version of its parameter. Versions are numbered under a lock of their code; months are not
-- closed meanwhile.
CREATE FUNCTION approve_parameter(p_book bigint, p_proposal uuid, p_hash bytea, p_approver uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz;
    v_order bigint;
    v_id uuid := gen_random_uuid();
    v_version integer;
    v_proposal parameter_proposal;
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f, '{}')) ORDER BY f)) FROM parameter_decision_faults(p_book, p_proposal, p_approver) f;
    SELECT * INTO v_proposal FROM parameter_proposal WHERE book = p_book AND proposal_id = p_proposal;
    PERFORM pg_advisory_xact_lock(hashtextextended('fundledger.parameter.' || v_proposal.code, 0));
    LOCK TABLE period_close IN SHARE MODE;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, v.code, v.params)) ORDER BY v.code)) FROM (
        SELECT 'content-changed' AS code, '{}'::jsonb AS params WHERE parameter_digest(p_book, p_proposal) IS DISTINCT FROM p_hash
        UNION ALL
        SELECT 'maker-without-duty', '{}' WHERE NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
            WHERE s.book = p_book AND s.staff_id = v_proposal.proposed_by AND 'maker' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office'))
        UNION ALL
        SELECT 'parameter-unit-differs', jsonb_build_object('unit', q.unit) FROM (SELECT unit FROM parameter
            WHERE code = v_proposal.code ORDER BY version DESC LIMIT 1) q WHERE q.unit <> v_proposal.unit
        UNION ALL
        SELECT 'parameter-changes-closed-month', jsonb_build_object('month', to_char(max(c.month), 'YYYY-MM')) FROM period_close c
        WHERE c.month >= date_trunc('month', v_proposal.valid_from) AND c.month <= coalesce(v_proposal.valid_to, 'infinity') HAVING count(*) > 0) v;
    v_now := clock_timestamp();
    v_order := nextval('record_order');
    SELECT coalesce(max(version), 0) + 1 INTO v_version FROM parameter WHERE code = v_proposal.code;
    INSERT INTO parameter (code, version, value, unit, valid_from, valid_to, source, note, parameter_id)
    VALUES (v_proposal.code, v_version, v_proposal.value, v_proposal.unit, v_proposal.valid_from, v_proposal.valid_to, v_proposal.source,
            v_proposal.note, v_id);
    INSERT INTO parameter_approval (book, proposal_id, parameter_id, version, approver_id, content_sha256, approved_at)
    VALUES (p_book, p_proposal, v_id, v_version, p_approver, p_hash, v_now);
    INSERT INTO log_queue (order_no, book, kind, record_id) VALUES (v_order, p_book, 'parameter', v_id);
    RETURN v_id;
END $$;

CREATE FUNCTION reject_parameter(p_book bigint, p_proposal uuid, p_approver uuid, p_reason text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz;
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f, '{}')) ORDER BY f)) FROM parameter_decision_faults(p_book, p_proposal, p_approver) f;
    v_now := clock_timestamp();
    INSERT INTO parameter_rejection (book, proposal_id, approver_id, reason, rejected_at) VALUES (p_book, p_proposal, p_approver, p_reason, v_now);
    RETURN v_now;
END $$;

CREATE VIEW parameter_proposal_state AS     -- a proposal and what became of it
    SELECT p.*, parameter_digest(p.book, p.proposal_id) AS content_sha256, a.parameter_id, a.version, r.reason,
           coalesce(a.approver_id, r.approver_id) AS decided_by, coalesce(a.approved_at, r.rejected_at) AS decided_at,
           CASE WHEN a.proposal_id IS NOT NULL THEN 'approved' WHEN r.proposal_id IS NOT NULL THEN 'rejected' ELSE 'proposed' END AS status
    FROM parameter_proposal p
    LEFT JOIN parameter_approval a ON a.book = p.book AND a.proposal_id = p.proposal_id
    LEFT JOIN parameter_rejection r ON r.book = p.book AND r.proposal_id = p.proposal_id;

GRANT INSERT (book, proposal_id, code, value, unit, valid_from, valid_to, source, note, proposed_by) ON parameter_proposal TO fundledger_service;
GRANT EXECUTE ON FUNCTION approve_parameter(bigint, uuid, bytea, uuid), reject_parameter(bigint, uuid, uuid, text) TO fundledger_service;
GRANT EXECUTE ON FUNCTION parameter_digest(bigint, uuid) TO fundledger_service, fundledger_reader;
