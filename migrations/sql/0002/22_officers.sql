-- 责任到区: terms of office that can't be bent after the fact, and who answers together must be two people.

ALTER TABLE officer_term ADD COLUMN person_no text CHECK (person_no <> '');   -- 工号: one person may hold several terms
CREATE INDEX officer_term_person_no ON officer_term (person_no) WHERE person_no IS NOT NULL;
CREATE OR REPLACE VIEW officer_term_current AS
    SELECT DISTINCT ON (book, officer_id) * FROM officer_term ORDER BY book, officer_id, version DESC;

-- What somebody answered for, by day (the term report, and the trigger below).
CREATE INDEX entry_officer_id ON entry (officer_id, effective_on);
CREATE INDEX entry_supervisor_id ON entry (supervisor_id, effective_on) WHERE supervisor_id IS NOT NULL;

CREATE FUNCTION officer_lock_key(p_book bigint, p_officer uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended('fundledger.officer.' || p_book || '.' || p_officer, 0) $$;

-- Posting shares the officers it names, a new version of a term takes its officer whole: so no term is cut short under a
-- posting that is on its way.
CREATE FUNCTION gate_lock_officers(p_work gate_work[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(m.key) FROM (
        SELECT DISTINCT officer_lock_key(w.book, o.officer_id) AS key FROM unnest(p_work) w
        CROSS JOIN LATERAL (VALUES (w.officer_id), (w.supervisor_id)) o (officer_id) WHERE o.officer_id IS NOT NULL ORDER BY 1) m;
END $$;

-- Recorded by a maker of an office of the book. A later version continues its record: the next number, the same role, the same person; and the term keeps every day on
-- which something was posted under it.
CREATE FUNCTION officer_term_continues() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    v_newest officer_term;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'fundledger: terms of office are written in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    PERFORM pg_advisory_xact_lock(officer_lock_key(NEW.book, NEW.officer_id));
    IF NOT EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id WHERE s.book = NEW.book
                   AND s.staff_id = NEW.recorded_by AND 'maker' = ANY (s.duties) AND u.kind IN ('finance', 'poverty_office', 'township')) THEN
        RAISE EXCEPTION 'fundledger: terms are recorded by makers' USING ERRCODE = '23514', CONSTRAINT = 'officer_term_maker', TABLE = 'officer_term';
    END IF;
    SELECT * INTO v_newest FROM officer_term o WHERE o.book = NEW.book AND o.officer_id = NEW.officer_id ORDER BY o.version DESC LIMIT 1;
    IF NEW.version <> coalesce(v_newest.version, 0) + 1 THEN
        RAISE EXCEPTION 'fundledger: not the next version of the term' USING ERRCODE = '23514', CONSTRAINT = 'officer_term_next', TABLE = 'officer_term';
    END IF;
    IF NEW.role <> v_newest.role OR (v_newest.person_no IS NOT NULL AND NEW.person_no IS DISTINCT FROM v_newest.person_no) THEN
        RAISE EXCEPTION 'fundledger: another role or person' USING ERRCODE = '23514', CONSTRAINT = 'officer_term_same', TABLE = 'officer_term';
    END IF;
    -- The index finds the first and the last day of a role; the other role's look-up ends before it begins.
    IF v_newest.version IS NOT NULL AND (
        (NEW.role = 'accountable' AND EXISTS (SELECT FROM entry e WHERE e.officer_id = NEW.officer_id AND e.book = NEW.book
            AND (e.effective_on < NEW.valid_from OR e.effective_on > NEW.valid_to)))
        OR (NEW.role = 'supervising' AND EXISTS (SELECT FROM entry e WHERE e.supervisor_id = NEW.officer_id AND e.book = NEW.book
            AND (e.effective_on < NEW.valid_from OR e.effective_on > NEW.valid_to)))) THEN
        RAISE EXCEPTION 'fundledger: something was posted on a day the term would lose' USING ERRCODE = '23514',
            CONSTRAINT = 'officer_term_in_use', TABLE = 'officer_term';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER officer_term_continues BEFORE INSERT ON officer_term FOR EACH ROW EXECUTE FUNCTION officer_term_continues();

GRANT EXECUTE ON FUNCTION officer_lock_key(bigint, uuid) TO fundledger_service;
