-- 公告公示 (M11; domain.md 2.7, 国开办发〔2018〕11号) and 异议: what was published must equal the ledger (PRC-04), and an
-- objection that nobody answered, or that was right and is not mended, stops the payment.

ALTER TABLE notice DROP CONSTRAINT notice_subject_kind_check;
ALTER TABLE notice ADD CONSTRAINT notice_subject_kind_check
    CHECK (subject_kind IN ('project', 'payment_list', 'procurement', 'allocation', 'annual_plan', 'acceptance'));
ALTER TABLE notice DROP CONSTRAINT notice_level_check;
ALTER TABLE notice ADD CONSTRAINT notice_level_check CHECK (level IN ('city', 'district', 'township', 'village'));
ALTER TABLE notice
    ADD COLUMN evidence_sha256 bytea,       -- the photograph or page that shows it
    ADD COLUMN fiscal_year smallint,        -- of an annual plan
    ADD CONSTRAINT notice_evidence FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    ADD CONSTRAINT notice_annual_plan CHECK ((subject_kind = 'annual_plan') = (fiscal_year IS NOT NULL));
CREATE OR REPLACE VIEW notice_current AS
    SELECT DISTINCT ON (book, notice_id) * FROM notice ORDER BY book, notice_id, version DESC;

CREATE TABLE notice_objection (             -- 异议; who raised it is not kept here
    book            bigint  NOT NULL,
    objection_id    uuid    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),
    notice_id       uuid    NOT NULL,
    subject_id      uuid    NOT NULL,       -- the notice's
    received_on     date    NOT NULL CHECK (isfinite(received_on)),
    kind            text    NOT NULL CHECK (kind IN ('eligibility', 'amount', 'omission', 'quality', 'procedure', 'other')),
    received_by     text    NOT NULL CHECK (received_by IN ('visit', 'letter', 'telephone', 'online', 'meeting')),
    state           text    NOT NULL CHECK (state IN ('open', 'answered', 'mended')),
    finding         text    CHECK (finding IN ('upheld', 'rejected')),
    document_no     text    NOT NULL,
    evidence_sha256 bytea,
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, objection_id, version),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    CONSTRAINT notice_objection_finding CHECK ((state = 'open') = (finding IS NULL) AND (state <> 'mended' OR finding = 'upheld'))
);
CREATE INDEX notice_objection_subject_id ON notice_objection (subject_id);
CREATE INDEX notice_objection_notice_id ON notice_objection (notice_id);
-- For auditors' SQL; the service reads every version.
CREATE VIEW notice_objection_current AS
    SELECT DISTINCT ON (book, objection_id) * FROM notice_objection ORDER BY book, objection_id, version DESC;

CREATE FUNCTION objection_stands(p_book bigint, p_subject uuid) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM notice_objection o WHERE o.book = p_book AND o.subject_id = p_subject
        AND (o.state = 'open' OR (o.state = 'answered' AND o.finding = 'upheld'))
        AND NOT EXISTS (SELECT FROM notice_objection v WHERE v.book = o.book AND v.objection_id = o.objection_id AND v.version > o.version));
END $$;

-- Recorded by a maker; answered, and found mended, by an approver who did not record it.
CREATE FUNCTION library_guard_notice_objection() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_old notice_objection;
    v_first uuid := (SELECT o.recorded_by FROM notice_objection o WHERE o.book = NEW.book AND o.objection_id = NEW.objection_id AND o.version = 1);
    v_duties text[];
    v_kind text;
BEGIN
    PERFORM library_lock(NEW.book, NEW.objection_id);
    NEW.recorded_at := clock_timestamp();
    SELECT * INTO v_old FROM notice_objection o WHERE o.book = NEW.book AND o.objection_id = NEW.objection_id ORDER BY o.version DESC LIMIT 1;
    SELECT s.duties, u.kind INTO v_duties, v_kind FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
    WHERE s.book = NEW.book AND s.staff_id = NEW.recorded_by;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('project_version_next');
    ELSIF NOT EXISTS (SELECT FROM notice n WHERE n.book = NEW.book AND n.notice_id = NEW.notice_id AND n.subject_id = NEW.subject_id) THEN
        PERFORM refuse_rule('objection_notice');
    ELSIF (CASE NEW.state WHEN 'open' THEN v_old.state IS NULL WHEN 'answered' THEN v_old.state = 'open'
           ELSE v_old.state = 'answered' AND v_old.finding = 'upheld' END) IS NOT TRUE THEN
        PERFORM refuse_rule('objection_order');
    ELSIF (NEW.notice_id, NEW.received_on, NEW.kind, NEW.received_by) <> (v_old.notice_id, v_old.received_on, v_old.kind, v_old.received_by) THEN
        PERFORM refuse_rule('objection_subject_fixed');
    ELSIF ((CASE WHEN NEW.version = 1 THEN 'maker' ELSE 'approver' END) = ANY (v_duties)
           AND v_kind IN ('village', 'township', 'poverty_office', 'finance')) IS NOT TRUE THEN
        PERFORM refuse_rule('objection_answerer');
    ELSIF NEW.version > 1 AND (v_kind = 'village' OR NEW.recorded_by = v_first) THEN
        PERFORM refuse_rule('project_duties');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notice_objection_guard BEFORE INSERT ON notice_objection FOR EACH ROW EXECUTE FUNCTION library_guard_notice_objection();

-- Monday to Friday, both ends included; no calendar of public holidays (docs/decisions/0006). Not before 1900.
CREATE FUNCTION workdays_between(p_from date, p_to date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN p_to < p_from THEN 0 ELSE
        ((p_to - date '1900-01-01') / 7) * 5 + least((p_to - date '1900-01-01') % 7 + 1, 5)
        - ((p_from - date '1900-01-01') / 7) * 5 - least((p_from - date '1900-01-01') % 7, 5) END
$$;

CREATE FUNCTION notice_workdays(p_book bigint, p_subject uuid, p_kind text, p_on date) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT max(workdays_between(c.published_from, least(c.published_to, p_on))) FROM notice c
            WHERE c.book = p_book AND c.subject_id = p_subject AND c.subject_kind = p_kind
              AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id));
END $$;

-- The subject of an annual plan's notices: the plan is the year's library, no record of its own.
CREATE FUNCTION annual_plan_id(p_book bigint, p_year integer) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT md5('annual_plan|' || p_book::text || '|' || p_year::text)::uuid $$;

-- What the ledger says today of what a notice is about, in fen: one of these must be published. None: there is no such subject.
-- A project: its planned amount. A list: its total. A procurement: its estimate, or its contract. An allocation: what was
-- allocated. The plan of a year: its approved projects together. An acceptance: the planned amount of the accepted project.
CREATE FUNCTION notice_amounts(p_book bigint, p_kind text, p_subject uuid, p_year integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN CASE p_kind
        WHEN 'project' THEN ARRAY(SELECT p.planned_amount FROM project p WHERE p.book = p_book AND p.project_id = p_subject ORDER BY p.version DESC LIMIT 1)
        WHEN 'payment_list' THEN ARRAY(SELECT n.total FROM payment_list l JOIN instruction n ON n.book = l.book AND n.instruction_id = l.instruction_id
                                       WHERE l.book = p_book AND l.instruction_id = p_subject)
        WHEN 'procurement' THEN ARRAY(SELECT unnest(array_remove(ARRAY[c.estimate, contract_sum(c.book, c.procurement_id)], NULL))
                                      FROM (SELECT * FROM procurement c WHERE c.book = p_book AND c.procurement_id = p_subject ORDER BY c.version DESC LIMIT 1) c)
        WHEN 'allocation' THEN ARRAY(SELECT s.allocated FROM allocation_status s WHERE s.book = p_book AND s.allocation_id = p_subject)
        WHEN 'acceptance' THEN ARRAY(SELECT p.planned_amount FROM (SELECT * FROM acceptance a WHERE a.book = p_book AND a.acceptance_id = p_subject
                                                                   ORDER BY a.version DESC LIMIT 1) a
                                     CROSS JOIN LATERAL (SELECT * FROM project p WHERE p.book = a.book AND p.project_id = a.project_id
                                                         ORDER BY p.version DESC LIMIT 1) p)
        WHEN 'annual_plan' THEN ARRAY(SELECT sum(p.planned_amount)::bigint FROM project_current p
                                      WHERE p.book = p_book AND p_subject = annual_plan_id(p_book, p_year) AND p.status = 'approved'
                                        AND p_year BETWEEN extract(year FROM p.planned_start) AND extract(year FROM p.planned_end) HAVING count(*) > 0)
    END;
END $$;

DROP FUNCTION publish_notice(bigint, uuid, integer, text, uuid, text, text, date, date, bigint, text, uuid);
CREATE FUNCTION publish_notice(p_book bigint, p_id uuid, p_version integer, p_subject_kind text, p_subject uuid, p_level text,
    p_channel text, p_from date, p_to date, p_amount bigint, p_document text, p_staff uuid, p_evidence bytea DEFAULT NULL,
    p_year integer DEFAULT NULL) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_order bigint := nextval('record_order');
    v_amounts bigint[];
    v_old notice;
BEGIN
    PERFORM library_lock(p_book, p_id);
    v_amounts := notice_amounts(p_book, p_subject_kind, p_subject, p_year);
    SELECT * INTO v_old FROM notice n WHERE n.book = p_book AND n.notice_id = p_id ORDER BY n.version DESC LIMIT 1;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(gate_fault_of(1, f.code, f.params)))) FROM (VALUES
        (p_version IS DISTINCT FROM coalesce(v_old.version, 0) + 1, 'version-taken', jsonb_build_object('expected', coalesce(v_old.version, 0) + 1)),
        ((v_old.subject_kind, v_old.subject_id) <> (p_subject_kind, p_subject), 'record-identity-changed', '{"field": "subject_id"}'),
        (cardinality(coalesce(v_amounts, '{}')) = 0, 'notice-subject-unknown', '{}'),
        (cardinality(v_amounts) > 0 AND (p_amount = ANY (v_amounts)) IS NOT TRUE, 'published-amount-differs',
         jsonb_build_object('published', p_amount, 'total', v_amounts[1])),
        (p_level = 'city' AND (p_subject_kind <> 'allocation' OR NOT EXISTS (SELECT FROM book b WHERE b.book = p_book AND b.level = 'city')),
         'notice-level-wrong', '{}'),
        (NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = p_book AND s.staff_id = p_staff
                     AND 'maker' = ANY (s.duties) AND u.kind IN ('village', 'township', 'poverty_office', 'finance')), 'maker-without-duty', '{}')
        ) f (broken, code, params) WHERE f.broken;
    INSERT INTO notice (book, notice_id, version, subject_kind, subject_id, level, channel, published_from, published_to, amount,
                        document_no, recorded_by, order_no, recorded_at, evidence_sha256, fiscal_year)
    VALUES (p_book, p_id, p_version, p_subject_kind, p_subject, p_level, p_channel, p_from, p_to, p_amount, p_document, p_staff, v_order, v_now,
            p_evidence, p_year);
    INSERT INTO log_queue (order_no, book, kind, record_id, version) VALUES (v_order, p_book, 'notice', p_id, p_version);
    RETURN v_now;
END $$;

GRANT INSERT ON notice_objection TO fundledger_service;
GRANT EXECUTE ON FUNCTION
    publish_notice(bigint, uuid, integer, text, uuid, text, text, date, date, bigint, text, uuid, bytea, integer)
TO fundledger_service;
GRANT EXECUTE ON FUNCTION notice_workdays(bigint, uuid, text, date), workdays_between(date, date), objection_stands(bigint, uuid),
    annual_plan_id(bigint, integer), notice_amounts(bigint, text, uuid, integer) TO fundledger_service, fundledger_reader;
