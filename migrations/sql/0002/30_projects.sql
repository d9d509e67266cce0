-- 项目库 (M07, M08, M10, M13; domain.md 2.8, 2.9): what a project says of itself, its indicators and its money, and who may
-- take it from proposed over reviewed to approved. The rules stand in triggers: whoever writes a row of the library, by
-- whatever call, writes a next version, in an order of statuses, as the person whose office it is.
--
--     proposed → reviewed → approved → suspended → approved …     each but `left` → proposed (a change)     any → left
--
-- A decision changes nothing of the content; a change is a proposal, and goes the whole way again. What belongs to a
-- proposal (indicators, sources of money) hangs on the proposal's version, `proposed_version` of every row after it.

ALTER TABLE project DROP CONSTRAINT project_status_check;
ALTER TABLE project ADD CONSTRAINT project_status_check
    CHECK (status IN ('proposed', 'reviewed', 'approved', 'suspended', 'left'));
ALTER TABLE project
    ADD COLUMN nature text CONSTRAINT project_nature_check       -- 建设性质; null only in rows of the first schema
        CHECK (nature IN ('new_works', 'extension', 'renovation', 'maintenance', 'purchase', 'service', 'subsidy')),
    ADD COLUMN place text,
    ADD COLUMN location_kind text CONSTRAINT project_location_check CHECK (location_kind IN ('rural', 'urban')),
    ADD COLUMN planned_start date,
    ADD COLUMN planned_end date,
    ADD COLUMN responsible_unit_id uuid,    -- 责任单位
    ADD COLUMN proposing_unit_id uuid,      -- 申报单位: of who proposed it
    ADD COLUMN task text,                   -- 建设任务
    ADD COLUMN households integer CONSTRAINT project_households_check CHECK (households >= 0),   -- 受益户数
    ADD COLUMN persons integer CONSTRAINT project_persons_check CHECK (persons >= 0),            -- 受益人数
    ADD COLUMN participation_mechanism text,                     -- 带贫减贫机制
    ADD COLUMN proposal_sha256 bytea,       -- 申报书
    ADD COLUMN proposed_version integer,
    ADD COLUMN reason text,                 -- why it left (退库原因) or rests
    ADD CONSTRAINT project_responsible_unit FOREIGN KEY (book, responsible_unit_id) REFERENCES unit (book, unit_id),
    ADD CONSTRAINT project_proposing_unit FOREIGN KEY (book, proposing_unit_id) REFERENCES unit (book, unit_id),
    ADD CONSTRAINT project_proposal FOREIGN KEY (book, proposal_sha256) REFERENCES evidence (book, sha256),
    ADD CONSTRAINT project_schedule_check CHECK (planned_end >= planned_start AND isfinite(planned_start) AND isfinite(planned_end));

CREATE OR REPLACE VIEW project_current AS
    SELECT DISTINCT ON (book, project_id) * FROM project ORDER BY book, project_id, version DESC;

CREATE TABLE project_indicator (            -- 绩效指标 of a proposal
    book         bigint   NOT NULL,
    project_id   uuid     NOT NULL,
    version      integer  NOT NULL,
    indicator_no smallint NOT NULL CHECK (indicator_no BETWEEN 1 AND 100),
    kind         text     NOT NULL CHECK (kind IN ('quantity', 'quality', 'timeliness', 'cost', 'economic', 'social', 'ecological', 'satisfaction')),
    name         text     NOT NULL CHECK (name <> ''),
    target_value numeric  NOT NULL CHECK (target_value >= 0 AND target_value < 1e15),
    unit         text     NOT NULL CHECK (unit <> ''),
    PRIMARY KEY (book, project_id, version, indicator_no),
    FOREIGN KEY (book, project_id, version) REFERENCES project (book, project_id, version)
);

CREATE TABLE project_financing (            -- 资金来源 of a proposal; each source keeps its tag (M13)
    book       bigint  NOT NULL,
    project_id uuid    NOT NULL,
    version    integer NOT NULL,
    fund_code  text    NOT NULL REFERENCES fund (fund_code),
    amount     bigint  NOT NULL CHECK (amount > 0),
    PRIMARY KEY (book, project_id, version, fund_code),
    FOREIGN KEY (book, project_id, version) REFERENCES project (book, project_id, version)
);

-- 市级意见 (H7): the city, and the offices that watch, object to a project. They have no verb that approves one.
CREATE TABLE project_objection (
    book            bigint  NOT NULL,       -- the district's
    objection_id    uuid    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),
    project_id      uuid    NOT NULL,
    state           text    NOT NULL CHECK (state IN ('open', 'answered')),
    matter          text    NOT NULL CHECK (matter <> ''),
    answer          text,
    document_no     text    NOT NULL,
    evidence_sha256 bytea,
    recorded_book   bigint  NOT NULL,       -- the book of who wrote this version
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, objection_id, version),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    CONSTRAINT project_objection_answer CHECK ((state = 'answered') = (answer IS NOT NULL))
);
CREATE INDEX project_objection_project_id ON project_objection (project_id);
-- For auditors' SQL; the service reads every version.
CREATE VIEW project_objection_current AS
    SELECT DISTINCT ON (book, objection_id) * FROM project_objection ORDER BY book, objection_id, version DESC;

-- 绩效自评 and its review (domain.md 2.8): of a year, or of the finished project.
CREATE TABLE project_evaluation (
    book            bigint   NOT NULL,
    evaluation_id   uuid     NOT NULL,
    version         integer  NOT NULL CHECK (version >= 1),
    project_id      uuid     NOT NULL,
    fiscal_year     smallint NOT NULL CHECK (fiscal_year BETWEEN 2000 AND 2999),
    is_final        boolean  NOT NULL,      -- of the whole project, not of a year of it
    state           text     NOT NULL CHECK (state IN ('self', 'reviewed')),
    score           smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    conclusion      text     NOT NULL CHECK (conclusion <> ''),
    result          text     CHECK (result IN ('excellent', 'good', 'pass', 'fail')),
    use_of_result   text,                   -- 结果应用
    evidence_sha256 bytea,
    document_no     text     NOT NULL,
    recorded_by     uuid     NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, evaluation_id, version),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    CONSTRAINT project_evaluation_result CHECK ((state = 'reviewed') = (result IS NOT NULL AND use_of_result IS NOT NULL))
);
CREATE INDEX project_evaluation_project_id ON project_evaluation (project_id);
CREATE VIEW project_evaluation_current AS
    SELECT DISTINCT ON (book, evaluation_id) * FROM project_evaluation ORDER BY book, evaluation_id, version DESC;

CREATE TABLE project_evaluation_indicator ( -- what was reached, indicator by indicator
    book          bigint   NOT NULL,
    evaluation_id uuid     NOT NULL,
    version       integer  NOT NULL,
    indicator_no  smallint NOT NULL,
    actual_value  numeric  NOT NULL CHECK (actual_value >= 0 AND actual_value < 1e15),
    score         smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    PRIMARY KEY (book, evaluation_id, version, indicator_no),
    FOREIGN KEY (book, evaluation_id, version) REFERENCES project_evaluation (book, evaluation_id, version)
);

-- One project at a time: a version, what hangs on a proposal, and funding wait for each other until commit.
CREATE FUNCTION library_lock(p_book bigint, p_project uuid) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'fundledger: the library is written in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(p_book::text || p_project::text, 30));
END $$;

-- Refuses a row like a constraint of that name would: what the service turns into a code (CONSTRAINTS in db/refusals.py).
CREATE FUNCTION refuse_rule(p_rule text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fundledger: refused by %', p_rule USING ERRCODE = '23514', CONSTRAINT = p_rule;
END $$;

-- What a project holds from one fund, in any year: money it may still spend, has advanced, or has paid.
CREATE FUNCTION project_money(p_book bigint, p_project uuid, p_kinds text[], p_fund text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(b.received - b.given), 0)::bigint FROM account c
            CROSS JOIN LATERAL (SELECT * FROM account_balance b WHERE b.book = c.book AND b.account_id = c.account_id OFFSET 0) b
            CROSS JOIN LATERAL (SELECT a.fund_code FROM allocation a WHERE a.book = c.book AND a.allocation_id = c.allocation_id OFFSET 0) a
            WHERE c.book = p_book AND c.project_id = p_project AND c.account_kind = ANY (p_kinds) AND (p_fund IS NULL OR a.fund_code = p_fund));
END $$;

-- A capital project from this size on is large or medium: negative list N6. On the day it is planned to begin; one that
-- began before there was a size is too large.
CREATE FUNCTION project_too_large(p_nature text, p_amount bigint, p_start date) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    RETURN p_nature IN ('new_works', 'extension') AND (p_amount >= parameter_value('large_project_min', p_start)) IS NOT FALSE;
END $$;

-- What a proposal must say (domain.md 2.9), and who makes one.
CREATE FUNCTION library_check_proposal(p_row project, p_unit unit, p_duties text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF ('maker' = ANY (p_duties) AND p_unit.kind IN ('village', 'township', 'poverty_office', 'finance')) IS NOT TRUE THEN
        PERFORM refuse_rule('project_proposer');
    END IF;
    IF p_unit.kind IN ('village', 'township') AND p_unit.division_code IS NOT NULL AND p_row.village_code IS NOT NULL
       AND NOT starts_with(p_row.village_code, p_unit.division_code) THEN
        PERFORM refuse_rule('project_proposer_place');
    END IF;
    IF p_row.proposing_unit_id IS DISTINCT FROM p_unit.unit_id OR p_row.proposed_version IS DISTINCT FROM p_row.version
       OR p_row.decided_by_unit_id IS NOT NULL THEN
        PERFORM refuse_rule('project_proposal_is_the_proposers');
    END IF;
    IF p_row.category IS DISTINCT FROM (SELECT g.category FROM programme g WHERE g.programme_code = p_row.programme_code) THEN
        PERFORM refuse_rule('project_category');
    END IF;
    IF btrim(p_row.performance_target) = '' THEN
        PERFORM refuse_rule('project_without_target');
    END IF;
    IF p_row.nature IS NULL OR p_row.location_kind IS NULL OR p_row.planned_start IS NULL OR p_row.planned_end IS NULL
       OR p_row.responsible_unit_id IS NULL OR p_row.households IS NULL OR p_row.persons IS NULL
       OR btrim(coalesce(p_row.place, '')) = '' OR btrim(coalesce(p_row.task, '')) = ''
       OR btrim(coalesce(p_row.participation_mechanism, '')) = '' THEN
        PERFORM refuse_rule('project_incomplete');
    END IF;
    IF project_too_large(p_row.nature, p_row.planned_amount, p_row.planned_start) THEN
        PERFORM refuse_rule('project_too_large');
    END IF;
END $$;

-- A project goes on only with a target, an indicator, and sources of money that come to its amount.
CREATE FUNCTION library_check_complete(p_row project) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF btrim(p_row.performance_target) = '' OR NOT EXISTS (SELECT FROM project_indicator i WHERE i.book = p_row.book
            AND i.project_id = p_row.project_id AND i.version = p_row.proposed_version) THEN
        PERFORM refuse_rule('project_without_target');
    END IF;
    IF p_row.planned_amount IS DISTINCT FROM (SELECT sum(f.amount) FROM project_financing f WHERE f.book = p_row.book
            AND f.project_id = p_row.project_id AND f.version = p_row.proposed_version) THEN
        PERFORM refuse_rule('project_financing_sum');
    END IF;
END $$;

-- Who decides. Nobody decides on what that person proposed; who approves has not reviewed, nor suspended it.
CREATE FUNCTION library_check_decider(p_row project, p_old project, p_unit unit, p_duties text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    v_proposer uuid := (SELECT p.recorded_by FROM project p WHERE p.book = p_row.book AND p.project_id = p_row.project_id
                        AND p.status = 'proposed' ORDER BY p.version DESC LIMIT 1);
    v_reviewer uuid := (SELECT p.recorded_by FROM project p WHERE p.book = p_row.book AND p.project_id = p_row.project_id
                        AND p.status = 'reviewed' ORDER BY p.version DESC LIMIT 1);
BEGIN
    IF ('approver' = ANY (p_duties)) IS NOT TRUE OR p_row.decided_by_unit_id IS DISTINCT FROM p_unit.unit_id THEN
        PERFORM refuse_rule('project_decider');
    END IF;
    IF p_row.status = 'reviewed' THEN       -- 乡镇审核; what is for the whole district, the poverty office reviews
        IF (CASE WHEN p_row.village_code IS NULL THEN p_unit.kind = 'poverty_office'
                 ELSE p_unit.kind = 'township' AND p_unit.division_code IS NOT NULL AND starts_with(p_row.village_code, p_unit.division_code) END) IS NOT TRUE THEN
            PERFORM refuse_rule('project_reviewer');
        END IF;
    ELSIF p_unit.kind NOT IN ('finance', 'poverty_office') THEN
        PERFORM refuse_rule('project_decider');
    END IF;
    IF (p_row.status IN ('reviewed', 'approved') AND p_row.recorded_by = v_proposer)
       OR (p_row.status = 'approved' AND p_row.recorded_by IN (v_reviewer, p_old.recorded_by)) THEN
        PERFORM refuse_rule('project_duties');
    END IF;
END $$;

CREATE FUNCTION library_guard_project() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_own CONSTANT text[] := '{version,status,decided_by_unit_id,document_no,recorded_by,recorded_at,reason}';
    v_old project;
    v_unit unit;
    v_duties text[];
BEGIN
    PERFORM library_lock(NEW.book, NEW.project_id);
    NEW.recorded_at := clock_timestamp();
    SELECT * INTO v_old FROM project p WHERE p.book = NEW.book AND p.project_id = NEW.project_id ORDER BY p.version DESC LIMIT 1;
    SELECT s.duties INTO v_duties FROM staff s WHERE s.book = NEW.book AND s.staff_id = NEW.recorded_by;
    SELECT u.* INTO v_unit FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
    WHERE s.book = NEW.book AND s.staff_id = NEW.recorded_by;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('project_version_next');
    ELSIF v_old.status = 'left' THEN
        PERFORM refuse_rule('project_has_left');
    ELSIF NEW.code <> v_old.code THEN
        PERFORM refuse_rule('project_code_fixed');
    ELSIF NEW.status <> 'proposed' AND ((NEW.status = 'reviewed' AND v_old.status = 'proposed')
            OR (NEW.status = 'approved' AND v_old.status IN ('reviewed', 'suspended'))
            OR (NEW.status = 'suspended' AND v_old.status = 'approved')
            OR (NEW.status = 'left' AND v_old.status IS NOT NULL)) IS NOT TRUE THEN
        PERFORM refuse_rule('project_status_order');
    END IF;
    IF NEW.status = 'proposed' THEN
        PERFORM library_check_proposal(NEW, v_unit, v_duties);
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - v_own IS DISTINCT FROM to_jsonb(v_old) - v_own THEN
        PERFORM refuse_rule('project_content_fixed');
    END IF;
    PERFORM library_check_decider(NEW, v_old, v_unit, v_duties);
    IF NEW.status IN ('reviewed', 'approved') THEN
        PERFORM library_check_complete(NEW);
    ELSIF NEW.status = 'left' AND btrim(coalesce(NEW.reason, '')) = '' THEN
        PERFORM refuse_rule('project_reason');
    ELSIF NEW.status = 'left' AND project_money(NEW.book, NEW.project_id, '{available,advanced}', NULL) <> 0 THEN
        PERFORM refuse_rule('project_has_money');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_guard BEFORE INSERT ON project FOR EACH ROW EXECUTE FUNCTION library_guard_project();

-- Indicators and sources come with their proposal, not after it went on.
CREATE FUNCTION library_guard_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM library_lock(NEW.book, NEW.project_id);
    IF NOT EXISTS (SELECT FROM (SELECT * FROM project p WHERE p.book = NEW.book AND p.project_id = NEW.project_id
                                ORDER BY p.version DESC LIMIT 1) p WHERE p.version = NEW.version AND p.status = 'proposed') THEN
        PERFORM refuse_rule('project_proposal_closed');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_indicator_guard BEFORE INSERT ON project_indicator FOR EACH ROW EXECUTE FUNCTION library_guard_part();
CREATE TRIGGER project_financing_guard BEFORE INSERT ON project_financing FOR EACH ROW EXECUTE FUNCTION library_guard_part();

-- An objection is raised by the city or by a watching office, and answered by an approver of the district, with a document.
CREATE FUNCTION library_guard_objection() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_old project_objection;
    v_unit unit;
    v_duties text[] := (SELECT s.duties FROM staff s WHERE s.book = NEW.recorded_book AND s.staff_id = NEW.recorded_by);
BEGIN
    PERFORM library_lock(NEW.book, NEW.objection_id);
    NEW.recorded_at := clock_timestamp();
    SELECT * INTO v_old FROM project_objection o WHERE o.book = NEW.book AND o.objection_id = NEW.objection_id ORDER BY o.version DESC LIMIT 1;
    SELECT u.* INTO v_unit FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
    WHERE s.book = NEW.recorded_book AND s.staff_id = NEW.recorded_by;
    IF NOT EXISTS (SELECT FROM project p WHERE p.book = NEW.book AND p.project_id = NEW.project_id) THEN
        PERFORM refuse_rule('project_objection_project');
    ELSIF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('project_version_next');
    ELSIF (NEW.version = 1) <> (NEW.state = 'open') OR v_old.state = 'answered' THEN
        PERFORM refuse_rule('objection_order');
    ELSIF NEW.version = 1 AND (v_unit.kind IN ('audit', 'inspection') OR (v_unit.kind IN ('finance', 'poverty_office')
            AND NEW.recorded_book = (SELECT b.parent_book FROM book b WHERE b.book = NEW.book))) IS NOT TRUE THEN
        PERFORM refuse_rule('project_objector');
    ELSIF NEW.version > 1 AND (NEW.recorded_book = NEW.book AND v_unit.kind IN ('finance', 'poverty_office')
            AND 'approver' = ANY (v_duties)) IS NOT TRUE THEN
        PERFORM refuse_rule('objection_answerer');
    ELSIF NEW.version > 1 AND (NEW.project_id, NEW.matter) <> (v_old.project_id, v_old.matter) THEN
        PERFORM refuse_rule('objection_subject_fixed');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_objection_guard BEFORE INSERT ON project_objection FOR EACH ROW EXECUTE FUNCTION library_guard_objection();

-- 自评 by a maker; its review by an approver of finance or the poverty office, another person, who changes nothing of it.
CREATE FUNCTION library_guard_evaluation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_own CONSTANT text[] := '{version,state,result,use_of_result,document_no,recorded_by,recorded_at}';
    v_old project_evaluation;
    v_duties text[];
    v_kind text;
BEGIN
    PERFORM library_lock(NEW.book, NEW.evaluation_id);
    NEW.recorded_at := clock_timestamp();
    SELECT * INTO v_old FROM project_evaluation e WHERE e.book = NEW.book AND e.evaluation_id = NEW.evaluation_id ORDER BY e.version DESC LIMIT 1;
    SELECT s.duties, u.kind INTO v_duties, v_kind FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
    WHERE s.book = NEW.book AND s.staff_id = NEW.recorded_by;
    IF NEW.version <> coalesce(v_old.version, 0) + 1 THEN
        PERFORM refuse_rule('project_version_next');
    ELSIF NOT EXISTS (SELECT FROM project p WHERE p.book = NEW.book AND p.project_id = NEW.project_id AND p.status = 'approved') THEN
        PERFORM refuse_rule('evaluation_project');
    ELSIF NEW.state = 'self' AND ('maker' = ANY (v_duties) AND v_kind IN ('village', 'township', 'poverty_office', 'finance')) IS NOT TRUE THEN
        PERFORM refuse_rule('project_proposer');
    ELSIF (NEW.project_id, NEW.fiscal_year, NEW.is_final) <> (v_old.project_id, v_old.fiscal_year, v_old.is_final) THEN
        PERFORM refuse_rule('evaluation_subject_fixed');
    ELSIF NEW.state = 'reviewed' AND (v_old.state = 'self' AND to_jsonb(NEW) - v_own = to_jsonb(v_old) - v_own) IS NOT TRUE THEN
        PERFORM refuse_rule('evaluation_review_order');
    ELSIF NEW.state = 'reviewed' AND ('approver' = ANY (v_duties) AND v_kind IN ('poverty_office', 'finance')) IS NOT TRUE THEN
        PERFORM refuse_rule('project_decider');
    ELSIF NEW.state = 'reviewed' AND NEW.recorded_by = v_old.recorded_by THEN
        PERFORM refuse_rule('project_duties');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_evaluation_guard BEFORE INSERT ON project_evaluation FOR EACH ROW EXECUTE FUNCTION library_guard_evaluation();

-- The indicators of a self-evaluation are those of the project's proposal, and come before its review.
CREATE FUNCTION library_guard_evaluation_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM library_lock(NEW.book, NEW.evaluation_id);
    IF NOT EXISTS (
        SELECT FROM (SELECT * FROM project_evaluation e WHERE e.book = NEW.book AND e.evaluation_id = NEW.evaluation_id ORDER BY e.version DESC LIMIT 1) e
        CROSS JOIN LATERAL (SELECT * FROM project p WHERE p.book = e.book AND p.project_id = e.project_id AND p.status = 'approved'
                            ORDER BY p.version DESC LIMIT 1) p
        JOIN project_indicator i ON i.book = p.book AND i.project_id = p.project_id AND i.version = p.proposed_version
        WHERE e.version = NEW.version AND e.state = 'self' AND i.indicator_no = NEW.indicator_no) THEN
        PERFORM refuse_rule('evaluation_indicator');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER project_evaluation_indicator_guard BEFORE INSERT ON project_evaluation_indicator
    FOR EACH ROW EXECUTE FUNCTION library_guard_evaluation_part();

GRANT INSERT ON project_indicator, project_financing, project_objection, project_evaluation, project_evaluation_indicator TO fundledger_service;
