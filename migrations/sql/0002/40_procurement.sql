-- Procurement (招投标到区; domain.md 2.11): stages, lots that belong together, bids, contracts and their approved changes.
--
--   planned → tendering → awarded → contracted → terminated      (unsuccessful: 流标, before an award)
--
-- Every stage is a version of the record. A record of the first revision has no stage: it was complete, nobody asked for
-- its bids, and it may be paid on as it was. An exemption (method `exempt`) is contracted as soon as it is decided.
-- What may be recorded is checked here, by triggers that hold the project's row like the gate does: a contract that is
-- being paid cannot fall below the payment at the same moment.

ALTER TABLE procurement
    ADD COLUMN stage text CHECK (stage IN ('planned', 'tendering', 'awarded', 'contracted', 'terminated', 'unsuccessful')),
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN main_procurement_category text NOT NULL DEFAULT 'works' CHECK (main_procurement_category IN ('works', 'goods', 'services')),
    ADD COLUMN lot_group text CHECK (lot_group <> ''),          -- lots that belong together carry the same words
    ADD COLUMN budget_amount bigint CHECK (budget_amount BETWEEN 0 AND estimate),   -- budget money in the estimate; null: all of it
    ADD COLUMN tender_period_start date,
    ADD COLUMN tender_period_end date,
    ADD COLUMN awarded_on date,
    ADD COLUMN signed_on date,
    ADD COLUMN price_difference_document_no text,               -- why the contract is not the price that was bid
    ADD COLUMN retention_percent smallint NOT NULL DEFAULT 0 CHECK (retention_percent BETWEEN 0 AND 100);
ALTER TABLE procurement ALTER COLUMN stage SET DEFAULT 'contracted';
ALTER TABLE procurement DROP CONSTRAINT procurement_check1;     -- an award was complete from the start
ALTER TABLE procurement
    ADD CONSTRAINT procurement_award_complete CHECK (method = 'exempt' OR coalesce(stage, 'contracted') NOT IN ('awarded', 'contracted') OR awardee_id IS NOT NULL),
    ADD CONSTRAINT procurement_contract_complete CHECK (method = 'exempt' OR coalesce(stage, 'contracted') <> 'contracted'
        OR (contract_no IS NOT NULL AND contract_amount IS NOT NULL)),
    ADD CONSTRAINT procurement_no_award_yet CHECK (coalesce(stage, 'contracted') NOT IN ('planned', 'tendering', 'unsuccessful')
        OR num_nonnulls(awardee_id, contract_no, contract_amount) = 0),
    ADD CONSTRAINT procurement_no_contract_yet CHECK (stage IS DISTINCT FROM 'awarded' OR num_nonnulls(contract_no, contract_amount) = 0),
    ADD CONSTRAINT procurement_exempt_without_contract CHECK (stage IS NULL OR method <> 'exempt' OR num_nonnulls(awardee_id, contract_no, contract_amount) = 0),
    ADD CONSTRAINT procurement_tender_period CHECK (tender_period_end >= tender_period_start);
ALTER TABLE procurement ADD CONSTRAINT procurement_evidence FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256) NOT VALID;
ALTER TABLE acceptance ADD CONSTRAINT acceptance_evidence FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256) NOT VALID;
DROP INDEX procurement_one_per_project;                         -- several contracts a project: a list names the one it pays
CREATE INDEX procurement_lot_group ON procurement (lot_group) WHERE lot_group IS NOT NULL;

INSERT INTO exemption_rule VALUES
    ('emergency', '抢险救灾', 'Emergency', '{infrastructure,housing,public_affairs}', '{organisation}', NULL, 'Tendering Law art. 66');

CREATE TABLE bid (                          -- 投标
    book            bigint  NOT NULL,
    bid_id          uuid    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),
    procurement_id  uuid    NOT NULL,
    bidder_id       uuid    NOT NULL,
    price           bigint  NOT NULL CHECK (price > 0),
    received_on     date    NOT NULL,
    status          text    NOT NULL CHECK (status IN ('valid', 'disqualified', 'withdrawn')),
    reason          text    NOT NULL DEFAULT '',
    evidence_sha256 bytea   NOT NULL,
    document_no     text    NOT NULL,
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, bid_id, version),
    FOREIGN KEY (book, bidder_id) REFERENCES organisation (book, organisation_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    CONSTRAINT bid_reason CHECK (status = 'valid' OR reason <> '')
);
CREATE UNIQUE INDEX bid_once_per_bidder ON bid (book, procurement_id, bidder_id) WHERE version = 1;
CREATE INDEX bid_procurement_id ON bid (procurement_id);

CREATE TABLE contract_change (              -- 合同变更: counts once another person approved it
    book            bigint NOT NULL,
    change_id       uuid   NOT NULL,
    procurement_id  uuid   NOT NULL,
    amount          bigint NOT NULL CHECK (amount <> 0),
    reason          text   NOT NULL CHECK (reason <> ''),
    document_no     text   NOT NULL,
    evidence_sha256 bytea  NOT NULL,
    recorded_by     uuid   NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, change_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);
CREATE INDEX contract_change_procurement_id ON contract_change (procurement_id);

CREATE TABLE contract_change_review (       -- one decision a change
    book        bigint NOT NULL,
    change_id   uuid   NOT NULL,
    decision    text   NOT NULL CHECK (decision IN ('approved', 'rejected')),
    document_no text   NOT NULL,
    recorded_by uuid   NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, change_id),
    FOREIGN KEY (book, change_id) REFERENCES contract_change (book, change_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);

-- For auditors' SQL; the service reads every version.
CREATE VIEW bid_current AS SELECT DISTINCT ON (book, bid_id) * FROM bid ORDER BY book, bid_id, version DESC;
-- The view of the first revision knew fewer columns; new ones come after the old.
CREATE OR REPLACE VIEW procurement_current AS
    SELECT DISTINCT ON (book, procurement_id) * FROM procurement ORDER BY book, procurement_id, version DESC;

-- The procurements of a project that a payment may mean: all but those that came to nothing.
CREATE FUNCTION live_procurements(p_book bigint, p_project uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(SELECT n.procurement_id FROM (
            SELECT DISTINCT ON (c.procurement_id) c.procurement_id, c.stage, c.method, c.contract_amount
            FROM (SELECT * FROM procurement c WHERE c.book = p_book AND c.project_id = p_project OFFSET 0) c
            ORDER BY c.procurement_id, c.version DESC) n
        WHERE coalesce(n.stage, 'contracted') <> 'unsuccessful'
          AND NOT (coalesce(n.stage, 'contracted') = 'terminated' AND n.contract_amount IS NULL)
        ORDER BY n.procurement_id);
END $$;

-- The procurement that a project began with: what a list that names none is for. By when it was recorded, which the trigger
-- below sets: an id is the caller's to choose, and a smaller one would take over what was paid.
CREATE FUNCTION first_procurement(p_book bigint, p_project uuid) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT c.procurement_id FROM (SELECT * FROM procurement c WHERE c.project_id = p_project AND c.book = p_book OFFSET 0) c
            WHERE c.version = 1 ORDER BY c.recorded_at, c.procurement_id LIMIT 1);
END $$;

-- What was paid and advanced under a procurement, less what came back. A list of the first revision names none: it was for
-- the project's first.
CREATE FUNCTION contract_paid(p_book bigint, p_procurement uuid) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_project uuid := (SELECT project_id FROM procurement WHERE book = p_book AND procurement_id = p_procurement ORDER BY version LIMIT 1);
    v_oldest uuid := first_procurement(p_book, v_project);
BEGIN
    RETURN (SELECT coalesce(sum(e.total - coalesce(u.undone, 0)), 0)::bigint FROM (
            SELECT l.instruction_id FROM payment_list l WHERE l.procurement_id = p_procurement AND l.book = p_book
            UNION ALL
            SELECT l.instruction_id FROM payment_list l
            WHERE v_oldest = p_procurement AND l.project_id = v_project AND l.book = p_book AND l.procurement_id IS NULL) m
        CROSS JOIN LATERAL (SELECT e.entry_id, e.total FROM entry e WHERE e.book = p_book AND e.instruction_id = m.instruction_id OFFSET 0) e
        CROSS JOIN LATERAL (SELECT sum(t.amount) AS undone FROM transfer t WHERE t.book = p_book AND t.undoes_entry_id = e.entry_id OFFSET 0) u);
END $$;

-- Contract and approved changes; null where there is no contract. (approved_changes: those of the first revision.)
CREATE FUNCTION contract_sum(p_book bigint, p_procurement uuid) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT c.contract_amount + c.approved_changes FROM procurement c WHERE c.book = p_book AND c.procurement_id = p_procurement
            ORDER BY c.version DESC LIMIT 1)
        + (SELECT coalesce(sum(c.amount), 0)::bigint FROM (SELECT * FROM contract_change c WHERE c.procurement_id = p_procurement AND c.book = p_book OFFSET 0) c
           CROSS JOIN LATERAL (SELECT FROM contract_change_review r WHERE r.book = c.book AND r.change_id = c.change_id AND r.decision = 'approved' OFFSET 0) r);
END $$;

-- Lots that belong together count together (化整为零): those of one project and category, and those anywhere in the district
-- that carry the same lot group. Payments to households and persons are no purchases. `p_except` is left out.
CREATE FUNCTION merged_estimate(p_book bigint, p_project uuid, p_category text, p_lot_group text, p_except uuid, OUT estimate bigint, OUT budget bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    WITH mine AS (
        SELECT c.procurement_id, c.lot_group FROM (SELECT * FROM procurement c WHERE c.project_id = p_project AND c.book = p_book OFFSET 0) c
        WHERE c.main_procurement_category = p_category
    ), lots AS (
        SELECT m.procurement_id FROM mine m
        UNION SELECT c.procurement_id FROM (SELECT m.lot_group FROM mine m WHERE m.lot_group IS NOT NULL UNION SELECT p_lot_group WHERE p_lot_group IS NOT NULL) g
        CROSS JOIN LATERAL (SELECT * FROM procurement c WHERE c.lot_group = g.lot_group AND c.book = p_book OFFSET 0) c
    )
    SELECT coalesce(sum(n.estimate), 0)::bigint, coalesce(sum(coalesce(n.budget_amount, n.estimate)), 0)::bigint INTO estimate, budget
    FROM lots CROSS JOIN LATERAL (SELECT * FROM procurement n WHERE n.book = p_book AND n.procurement_id = lots.procurement_id
                                  ORDER BY n.version DESC LIMIT 1) n
    LEFT JOIN exemption_rule e ON e.exemption_code = n.exemption_code
    WHERE n.main_procurement_category = p_category AND n.procurement_id IS DISTINCT FROM p_except
      AND coalesce(n.stage, 'contracted') <> 'unsuccessful' AND NOT (n.stage IS NOT DISTINCT FROM 'terminated' AND n.contract_amount IS NULL)
      AND NOT coalesce(e.payee_kinds <@ '{household,person}', false);
END $$;

-- Whether a tender is a must (NDRC order 16: budget money of the amount and share, and an estimate at the threshold): what
-- counts together and the threshold, or null.
CREATE FUNCTION tender_required(p_row procurement, p_paid bigint, p_on date) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_others record;
    v_estimate bigint;
    v_budget bigint;
    v_threshold bigint := parameter_value('tender_threshold_' || p_row.main_procurement_category, p_on);
BEGIN
    SELECT * INTO v_others FROM merged_estimate(p_row.book, p_row.project_id, p_row.main_procurement_category, p_row.lot_group, p_row.procurement_id);
    v_estimate := v_others.estimate + greatest(p_row.estimate, p_paid);
    v_budget := v_others.budget + greatest(coalesce(p_row.budget_amount, p_row.estimate), p_paid);
    -- A day for which no threshold was ever set (somebody wrote 1990) has none below which it is enough to ask around.
    IF v_estimate >= coalesce(v_threshold, 0) AND v_budget >= coalesce(parameter_value('tender_budget_min', p_on), 0)
       AND v_budget::numeric * 100 >= coalesce(parameter_value('tender_budget_share_min', p_on), 0) * v_estimate::numeric THEN
        RETURN jsonb_build_object('estimate', v_estimate, 'threshold', coalesce(v_threshold, 0));
    END IF;
    RETURN NULL;
END $$;

-- The day whose thresholds count for a procurement.
CREATE FUNCTION procurement_day(p_row procurement, p_else date) RETURNS date
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(p_row.tender_period_start, p_row.awarded_on, p_row.signed_on, p_else) $$;

CREATE FUNCTION tender_fault(p_code text, p_params jsonb) RETURNS gate_fault
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(1, 'tendering', p_code, NULL::integer, p_params)::gate_fault $$;

-- Holds a project like the gate does: records that payments rely on and payments themselves come one after the other.
CREATE FUNCTION hold_project(p_book bigint, p_project uuid) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM gate_refuse_old_snapshot();
    PERFORM 1 FROM project p WHERE p.book = p_book AND p.project_id = p_project ORDER BY p.version FOR NO KEY UPDATE;
END $$;

-- Who records what payments rely on: a maker of an office of the book. The village, an auditor or an administrator does not.
CREATE FUNCTION recorder_faults(p_book bigint, p_recorder uuid) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = p_book AND s.staff_id = p_recorder
                   AND 'maker' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office', 'township')) THEN
        RETURN NEXT gate_fault_of(1, 'maker-without-duty', '{}');
    END IF;
END $$;

-- From stage to stage; the first version may be a plan, a tender, or a complete record where no tender is held.
CREATE FUNCTION procurement_step_allowed(p_from text, p_to text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_from WHEN 'new' THEN p_to IN ('planned', 'tendering', 'awarded', 'contracted')
        WHEN 'planned' THEN p_to IN ('planned', 'tendering', 'awarded', 'contracted', 'terminated')
        WHEN 'tendering' THEN p_to IN ('tendering', 'awarded', 'contracted', 'unsuccessful', 'terminated')
        WHEN 'awarded' THEN p_to IN ('awarded', 'contracted', 'unsuccessful', 'terminated')
        WHEN 'contracted' THEN p_to IN ('contracted', 'terminated') ELSE false END
$$;

-- A competition's own rules: time to bid, enough valid bids, an award to one of them at its price.
CREATE FUNCTION competition_faults(p_row procurement) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_on date := procurement_day(p_row, shanghai_today());
    v_days integer := coalesce(p_row.tender_period_end - p_row.tender_period_start, 0);
    v_valid bigint;
    v_price bigint;
BEGIN
    IF p_row.method NOT IN ('open', 'invited', 'negotiation', 'inquiry') OR p_row.stage NOT IN ('tendering', 'awarded', 'contracted') THEN
        RETURN;
    END IF;
    IF p_row.method IN ('open', 'invited') AND (v_days >= parameter_value('bid_window_days', v_on)) IS NOT TRUE THEN
        RETURN NEXT tender_fault('bid-window-short', jsonb_build_object('days', v_days, 'days_needed', parameter_value('bid_window_days', v_on)));
    END IF;
    IF p_row.stage = 'tendering' THEN
        RETURN;
    END IF;
    SELECT count(*), max(b.price) FILTER (WHERE b.bidder_id = p_row.awardee_id) INTO v_valid, v_price FROM (
        SELECT DISTINCT ON (b.bid_id) b.* FROM (SELECT * FROM bid b WHERE b.procurement_id = p_row.procurement_id AND b.book = p_row.book OFFSET 0) b
        ORDER BY b.bid_id, b.version DESC) b WHERE b.status = 'valid';
    IF p_row.method IN ('open', 'invited') AND (v_valid >= parameter_value('bidders_min', v_on)) IS NOT TRUE THEN
        RETURN NEXT tender_fault('too-few-bidders', jsonb_build_object('bidders', v_valid, 'bidders_needed', parameter_value('bidders_min', v_on)));
    END IF;
    IF v_price IS NULL THEN
        RETURN NEXT tender_fault('award-without-bid', '{}');
    ELSIF p_row.stage = 'contracted' AND p_row.contract_amount <> v_price AND p_row.price_difference_document_no IS NULL THEN
        RETURN NEXT tender_fault('contract-differs-from-bid', jsonb_build_object('bid', v_price, 'contract', p_row.contract_amount));
    END IF;
END $$;

-- In their order, and none still to come: bids closed, awarded, signed. What was not dated is taken as of today.
CREATE FUNCTION procurement_date_faults(p_row procurement) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_days date[] := array_remove(ARRAY[CASE WHEN p_row.stage IN ('awarded', 'contracted') THEN p_row.tender_period_end END,
                                        p_row.awarded_on, p_row.signed_on, shanghai_today()], NULL);
BEGIN
    IF v_days <> ARRAY(SELECT d FROM unnest(v_days) d ORDER BY d) THEN
        RETURN NEXT tender_fault('procurement-dates-order', '{}');
    END IF;
END $$;

-- What stays as it was: the project always, a signed contract's terms but by an approved change, and whom and how once paid.
CREATE FUNCTION procurement_change_faults(p_old procurement, p_new procurement) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_new.project_id <> p_old.project_id THEN
        RETURN NEXT tender_fault('record-identity-changed', jsonb_build_object('field', 'project_id'));
    END IF;
    IF (p_old.method, p_old.exemption_code, p_old.awardee_id) IS DISTINCT FROM (p_new.method, p_new.exemption_code, p_new.awardee_id)
       AND contract_paid(p_old.book, p_old.procurement_id) > 0 THEN
        RETURN NEXT tender_fault('contract-in-use', '{}');
    ELSIF coalesce(p_old.stage, 'contracted') = 'contracted' AND p_old.contract_amount IS NOT NULL
       AND (p_old.contract_amount, p_old.retention_percent, p_old.awardee_id) IS DISTINCT FROM (p_new.contract_amount, p_new.retention_percent, p_new.awardee_id) THEN
        RETURN NEXT tender_fault('contract-fixed', '{}');
    END IF;
END $$;

CREATE FUNCTION check_procurement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_old procurement;
    v_faults gate_fault[] := '{}';
    v_on date := procurement_day(NEW, shanghai_today());
    v_from text;
    v_tender jsonb;
BEGIN
    PERFORM hold_project(NEW.book, NEW.project_id);
    NEW.recorded_at := greatest(clock_timestamp(), (SELECT max(c.recorded_at) + interval '1 microsecond'
        FROM (SELECT * FROM procurement c WHERE c.project_id = NEW.project_id AND c.book = NEW.book OFFSET 0) c));   -- see first_procurement
    SELECT * INTO v_old FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id ORDER BY c.version DESC LIMIT 1;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('procurement_version_next');
    END IF;
    IF NEW.stage IS NULL OR NEW.approved_changes <> coalesce(v_old.approved_changes, 0) THEN   -- the first revision's; nobody writes them now
        PERFORM refuse_rule('procurement_first_revision');
    END IF;
    v_from := CASE WHEN v_old.version IS NULL THEN 'new' ELSE coalesce(v_old.stage, 'contracted') END;
    IF NOT procurement_step_allowed(v_from, NEW.stage) THEN
        v_faults := v_faults || tender_fault('procurement-stage-order', jsonb_build_object('stage', v_from, 'next', NEW.stage));
    ELSIF v_old.version IS NOT NULL THEN
        v_faults := v_faults || ARRAY(SELECT f FROM procurement_change_faults(v_old, NEW) f);
    END IF;
    v_faults := v_faults || ARRAY(SELECT f FROM recorder_faults(NEW.book, NEW.recorded_by) f)
        || ARRAY(SELECT f FROM procurement_date_faults(NEW) f);
    IF NEW.retention_percent > coalesce(parameter_value('retention_percent_max', v_on), 0) THEN
        v_faults := v_faults || tender_fault('retention-too-high', jsonb_build_object('percent', NEW.retention_percent,
            'highest', coalesce(parameter_value('retention_percent_max', v_on), 0)));
    END IF;
    IF NEW.method IN ('negotiation', 'inquiry', 'single_source') AND NEW.stage NOT IN ('terminated', 'unsuccessful') THEN
        v_tender := tender_required(NEW, 0, v_on);
        IF v_tender IS NOT NULL THEN
            v_faults := v_faults || tender_fault('tender-required', v_tender);
        END IF;
    END IF;
    -- A record of the first revision came without bids: its later versions are not asked for them.
    IF NOT (v_old.version IS NOT NULL AND (SELECT c.stage IS NULL FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id AND c.version = 1)) THEN
        v_faults := v_faults || ARRAY(SELECT f FROM competition_faults(NEW) f);
    END IF;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM unnest(v_faults) f;
    RETURN NEW;
END $$;
CREATE TRIGGER procurement_check BEFORE INSERT ON procurement FOR EACH ROW EXECUTE FUNCTION check_procurement();

-- Bids are taken, and struck out, while the tender is open; what was offered stays as it was.
CREATE FUNCTION check_bid() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_old bid;
    v_tender procurement;
    v_faults gate_fault[] := ARRAY(SELECT f FROM recorder_faults(NEW.book, NEW.recorded_by) f);
BEGIN
    SELECT * INTO v_tender FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id ORDER BY c.version LIMIT 1;
    PERFORM hold_project(NEW.book, v_tender.project_id);
    SELECT * INTO v_tender FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id ORDER BY c.version DESC LIMIT 1;
    IF v_tender.version IS NULL THEN
        RAISE EXCEPTION 'fundledger: no such procurement' USING ERRCODE = '23503', CONSTRAINT = 'bid_procurement';
    END IF;
    SELECT * INTO v_old FROM bid b WHERE b.book = NEW.book AND b.bid_id = NEW.bid_id ORDER BY b.version DESC LIMIT 1;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('bid_version_next');
    END IF;
    IF v_old.version IS NOT NULL AND (v_old.procurement_id, v_old.bidder_id, v_old.price, v_old.received_on)
       IS DISTINCT FROM (NEW.procurement_id, NEW.bidder_id, NEW.price, NEW.received_on) THEN
        v_faults := v_faults || tender_fault('record-identity-changed', jsonb_build_object('field', 'price'));
    END IF;
    IF v_tender.stage IS DISTINCT FROM 'tendering' THEN
        v_faults := v_faults || tender_fault('bid-not-open', jsonb_build_object('stage', coalesce(v_tender.stage, 'contracted')));
    ELSIF NEW.status = 'valid' AND (NEW.received_on < v_tender.tender_period_start OR NEW.received_on > v_tender.tender_period_end) THEN
        v_faults := v_faults || tender_fault('bid-outside-period', jsonb_build_object('received_on', NEW.received_on,
            'from', v_tender.tender_period_start, 'to', v_tender.tender_period_end));
    END IF;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM unnest(v_faults) f;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_check BEFORE INSERT ON bid FOR EACH ROW EXECUTE FUNCTION check_bid();

-- Who decides on what somebody else recorded: another person, an approver.
CREATE FUNCTION review_faults(p_book bigint, p_maker uuid, p_reviewer uuid) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_maker = p_reviewer THEN
        RETURN NEXT gate_fault_of(1, 'duties-not-separate', '{}');
    END IF;
    IF NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = p_book AND s.staff_id = p_reviewer
                   AND 'approver' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office')) THEN
        RETURN NEXT gate_fault_of(1, 'approver-without-duty', '{}');
    END IF;
END $$;

CREATE FUNCTION check_contract_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_contract procurement;
BEGIN
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM recorder_faults(NEW.book, NEW.recorded_by) f;
    SELECT * INTO v_contract FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = NEW.procurement_id ORDER BY c.version DESC LIMIT 1;
    IF v_contract.version IS NULL THEN
        RAISE EXCEPTION 'fundledger: no such procurement' USING ERRCODE = '23503', CONSTRAINT = 'contract_change_procurement';
    END IF;
    IF v_contract.contract_amount IS NULL OR coalesce(v_contract.stage, 'contracted') <> 'contracted' THEN
        PERFORM gate_refuse(jsonb_build_array(to_jsonb(tender_fault('contract-not-signed', jsonb_build_object('stage', coalesce(v_contract.stage, 'contracted'))))));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_change_check BEFORE INSERT ON contract_change FOR EACH ROW EXECUTE FUNCTION check_contract_change();

CREATE FUNCTION check_contract_change_review() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_change contract_change;
    v_project uuid;
    v_paid bigint;
    v_faults gate_fault[];
BEGIN
    SELECT * INTO v_change FROM contract_change c WHERE c.book = NEW.book AND c.change_id = NEW.change_id;
    SELECT c.project_id INTO v_project FROM procurement c WHERE c.book = NEW.book AND c.procurement_id = v_change.procurement_id ORDER BY c.version LIMIT 1;
    PERFORM hold_project(NEW.book, v_project);
    v_faults := ARRAY(SELECT f FROM review_faults(NEW.book, v_change.recorded_by, NEW.recorded_by) f);
    v_paid := contract_paid(NEW.book, v_change.procurement_id);
    IF NEW.decision = 'approved' AND contract_sum(NEW.book, v_change.procurement_id) + v_change.amount < greatest(v_paid, 1) THEN
        v_faults := v_faults || tender_fault('contract-below-paid', jsonb_build_object('paid', v_paid));
    END IF;
    PERFORM gate_refuse(jsonb_agg(to_jsonb(f))) FROM unnest(v_faults) f;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_change_review_check BEFORE INSERT ON contract_change_review FOR EACH ROW EXECUTE FUNCTION check_contract_change_review();

GRANT INSERT ON bid, contract_change, contract_change_review TO fundledger_service;
GRANT EXECUTE ON FUNCTION first_procurement(bigint, uuid), contract_paid(bigint, uuid), contract_sum(bigint, uuid), live_procurements(bigint, uuid),
    merged_estimate(bigint, uuid, text, text, uuid) TO fundledger_service, fundledger_reader;
