-- Management (管理到区; domain.md 2.10): progress and final acceptance, reimbursement claims (报账单) with their vouchers.
-- Money follows progress: under a contract no more is paid than the accepted part of it, less what is retained (质保金)
-- until the release days after the final acceptance are over.

ALTER TABLE acceptance
    ADD COLUMN kind text NOT NULL DEFAULT 'final' CHECK (kind IN ('progress', 'final')),
    ADD COLUMN procurement_id uuid,                             -- null: of the whole project
    ADD COLUMN percent_complete smallint CHECK (percent_complete BETWEEN 0 AND 100),
    ADD COLUMN amount_accepted bigint CHECK (amount_accepted > 0),
    ADD CONSTRAINT acceptance_percent CHECK (CASE kind WHEN 'progress' THEN percent_complete IS NOT NULL ELSE coalesce(percent_complete, 100) = 100 END),
    ADD CONSTRAINT acceptance_amount CHECK (amount_accepted IS NULL OR procurement_id IS NOT NULL);     -- a limit of one contract
CREATE OR REPLACE VIEW acceptance_current AS
    SELECT DISTINCT ON (book, acceptance_id) * FROM acceptance ORDER BY book, acceptance_id, version DESC;

CREATE FUNCTION check_acceptance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_old acceptance;
BEGIN
    PERFORM hold_project(NEW.book, NEW.project_id);
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM recorder_faults(NEW.book, NEW.recorded_by) f;
    SELECT * INTO v_old FROM acceptance a WHERE a.book = NEW.book AND a.acceptance_id = NEW.acceptance_id ORDER BY a.version DESC LIMIT 1;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('acceptance_version_next');
    END IF;
    IF v_old.version IS NOT NULL AND (NEW.project_id, NEW.procurement_id) IS DISTINCT FROM (v_old.project_id, v_old.procurement_id) THEN
        PERFORM gate_refuse(jsonb_build_array(to_jsonb(gate_fault_of(1, 'record-identity-changed', jsonb_build_object('field', 'project_id')))));
    END IF;
    IF NEW.procurement_id IS NOT NULL AND NOT EXISTS (SELECT FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id
                                                      AND c.project_id = NEW.project_id) THEN
        RAISE EXCEPTION 'fundledger: no such procurement of the project' USING ERRCODE = '23503', CONSTRAINT = 'acceptance_procurement';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER acceptance_check BEFORE INSERT ON acceptance FOR EACH ROW EXECUTE FUNCTION check_acceptance();

CREATE TABLE reimbursement_claim (          -- 报账单: what a payee asks for, decided once
    book             bigint NOT NULL,
    claim_id         uuid   NOT NULL,
    project_id       uuid   NOT NULL,
    procurement_id   uuid   NOT NULL,
    payee_id         uuid   NOT NULL,
    amount           bigint NOT NULL CHECK (amount > 0),
    progress_percent smallint NOT NULL CHECK (progress_percent BETWEEN 1 AND 100),   -- as the payee states it
    document_no      text   NOT NULL,
    recorded_by      uuid   NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, claim_id),
    FOREIGN KEY (book, payee_id) REFERENCES organisation (book, organisation_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);
CREATE INDEX reimbursement_claim_project_id ON reimbursement_claim (project_id);

CREATE TABLE claim_voucher (                -- 报账凭据
    book            bigint  NOT NULL,
    claim_id        uuid    NOT NULL,
    voucher_no      integer NOT NULL CHECK (voucher_no >= 1),
    kind            text    NOT NULL CHECK (kind IN ('invoice', 'receipt', 'payroll', 'measurement', 'other')),
    number          text    NOT NULL CHECK (number <> ''),
    amount          bigint  NOT NULL CHECK (amount > 0),
    evidence_sha256 bytea   NOT NULL,
    PRIMARY KEY (book, claim_id, voucher_no),
    FOREIGN KEY (book, claim_id) REFERENCES reimbursement_claim (book, claim_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    CONSTRAINT claim_voucher_invoice_number CHECK (kind <> 'invoice' OR number ~ '^[0-9A-Z]{6,40}$')
);
CREATE INDEX claim_voucher_invoice ON claim_voucher (number) WHERE kind = 'invoice';

CREATE TABLE claim_review (                 -- 报账审核: by a second person, once
    book        bigint NOT NULL,
    claim_id    uuid   NOT NULL,
    decision    text   NOT NULL CHECK (decision IN ('approved', 'rejected')),
    document_no text   NOT NULL,
    recorded_by uuid   NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, claim_id),
    FOREIGN KEY (book, claim_id) REFERENCES reimbursement_claim (book, claim_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);

CREATE FUNCTION check_claim() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id AND c.project_id = NEW.project_id) THEN
        RAISE EXCEPTION 'fundledger: no such procurement of the project' USING ERRCODE = '23503', CONSTRAINT = 'claim_procurement';
    END IF;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM recorder_faults(NEW.book, NEW.recorded_by) f;
    RETURN NEW;
END $$;
CREATE TRIGGER reimbursement_claim_check BEFORE INSERT ON reimbursement_claim FOR EACH ROW EXECUTE FUNCTION check_claim();

-- An invoice is claimed once in a book (PRC-22); a rejected claim gives its invoices back. The lock on the number makes two
-- claims at the same time meet; the one on the claim (by its foreign key) keeps vouchers out once it is decided.
CREATE FUNCTION check_claim_voucher() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM 1 FROM reimbursement_claim c WHERE c.book = NEW.book AND c.claim_id = NEW.claim_id FOR KEY SHARE;
    IF EXISTS (SELECT FROM claim_review r WHERE r.book = NEW.book AND r.claim_id = NEW.claim_id) THEN
        PERFORM refuse_rule('claim_is_final');
    END IF;
    IF NEW.kind = 'invoice' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.book || '|invoice|' || NEW.number, 0));
        IF EXISTS (SELECT FROM (SELECT * FROM claim_voucher v WHERE v.kind = 'invoice' AND v.number = NEW.number AND v.book = NEW.book OFFSET 0) v
                   LEFT JOIN claim_review r ON r.book = v.book AND r.claim_id = v.claim_id
                   WHERE r.decision IS DISTINCT FROM 'rejected') THEN
            PERFORM refuse_rule('claim_voucher_invoice_once');
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_voucher_check BEFORE INSERT ON claim_voucher FOR EACH ROW EXECUTE FUNCTION check_claim_voucher();

CREATE FUNCTION check_claim_review() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_claim reimbursement_claim;
    v_vouchers bigint;
    v_faults gate_fault[];
BEGIN
    PERFORM gate_refuse_old_snapshot();
    SELECT * INTO v_claim FROM reimbursement_claim c WHERE c.book = NEW.book AND c.claim_id = NEW.claim_id FOR UPDATE;
    v_faults := ARRAY(SELECT f FROM review_faults(NEW.book, v_claim.recorded_by, NEW.recorded_by) f);
    v_vouchers := (SELECT coalesce(sum(v.amount), 0) FROM claim_voucher v WHERE v.book = NEW.book AND v.claim_id = NEW.claim_id);
    IF NEW.decision = 'approved' AND v_vouchers < v_claim.amount THEN
        v_faults := v_faults || gate_fault_of(1, 'claim-vouchers-short', jsonb_build_object('claimed', v_claim.amount, 'vouchers', v_vouchers));
    END IF;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM unnest(v_faults) f;
    RETURN NEW;
END $$;
CREATE TRIGGER claim_review_check BEFORE INSERT ON claim_review FOR EACH ROW EXECUTE FUNCTION check_claim_review();

-- What was paid under a claim, less what came back.
CREATE FUNCTION claim_paid(p_book bigint, p_claim uuid) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(sum(e.total - coalesce(u.undone, 0)), 0)::bigint
        FROM (SELECT l.instruction_id FROM payment_list l WHERE l.claim_id = p_claim AND l.book = p_book) m
        CROSS JOIN LATERAL (SELECT e.entry_id, e.total FROM entry e WHERE e.book = p_book AND e.instruction_id = m.instruction_id OFFSET 0) e
        CROSS JOIN LATERAL (SELECT sum(t.amount) AS undone FROM transfer t WHERE t.book = p_book AND t.undoes_entry_id = e.entry_id OFFSET 0) u);
END $$;

-- The acceptance that says how far a contract's work was accepted by a day: the newest that passed, the contract's own before
-- one of the whole project. Its fields are null where there is none.
CREATE FUNCTION acceptance_in_force(p_book bigint, p_project uuid, p_procurement uuid, p_on date) RETURNS acceptance
LANGUAGE plpgsql STABLE AS $$
DECLARE v_row acceptance;
BEGIN
    SELECT a.* INTO v_row FROM (
            SELECT DISTINCT ON (a.acceptance_id) a.* FROM (SELECT * FROM acceptance a WHERE a.project_id = p_project AND a.book = p_book OFFSET 0) a
            ORDER BY a.acceptance_id, a.version DESC) a
        WHERE a.passed AND a.accepted_on <= p_on AND (a.procurement_id IS NULL OR a.procurement_id = p_procurement)
        ORDER BY (a.procurement_id IS NOT NULL) DESC, a.accepted_on DESC, a.acceptance_id DESC LIMIT 1;
    RETURN v_row;
END $$;

-- How far that is, in percent; null: never.
CREATE FUNCTION accepted_percent(p_book bigint, p_project uuid, p_procurement uuid, p_on date) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
DECLARE v_row acceptance := acceptance_in_force(p_book, p_project, p_procurement, p_on);
BEGIN
    RETURN CASE v_row.kind WHEN 'final' THEN 100 ELSE v_row.percent_complete END;
END $$;

-- What of a contract (or an exemption's estimate) was earned by a day: the accepted percentage, and no more than the amount
-- that was accepted (审定金额) where the acceptance names one. Null where there is no contract.
CREATE FUNCTION accepted_earned(p_book bigint, p_project uuid, p_procurement uuid, p_on date, p_contract bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE v_row acceptance := acceptance_in_force(p_book, p_project, p_procurement, p_on);
BEGIN
    RETURN least(div(p_contract::numeric * coalesce(CASE v_row.kind WHEN 'final' THEN 100 ELSE v_row.percent_complete END, 0), 100)::bigint,
                 CASE WHEN p_contract IS NOT NULL THEN v_row.amount_accepted END);
END $$;

-- The day of a contract's (or its project's) final acceptance, if it passed one by a day.
CREATE FUNCTION finally_accepted_on(p_book bigint, p_project uuid, p_procurement uuid, p_on date) RETURNS date
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(a.accepted_on) FROM (
            SELECT DISTINCT ON (a.acceptance_id) a.* FROM (SELECT * FROM acceptance a WHERE a.project_id = p_project AND a.book = p_book OFFSET 0) a
            ORDER BY a.acceptance_id, a.version DESC) a
        WHERE a.passed AND a.kind = 'final' AND a.accepted_on <= p_on AND (a.procurement_id IS NULL OR a.procurement_id = p_procurement));
END $$;

-- A final payment asks for the final acceptance of its own contract; the first revision knew those of projects only.
DROP FUNCTION gate_accepted(bigint, uuid, date);

GRANT INSERT ON reimbursement_claim, claim_voucher, claim_review TO fundledger_service;
GRANT EXECUTE ON FUNCTION claim_paid(bigint, uuid), accepted_percent(bigint, uuid, uuid, date), finally_accepted_on(bigint, uuid, uuid, date)
    TO fundledger_service, fundledger_reader;
