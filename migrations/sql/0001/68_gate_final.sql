-- What was approved is final: no leg, list or line is added to an instruction after its approval, and none is sent back
-- after it was posted. Without this an approved list could be made unpayable, and a posted one could grow lines that
-- nobody paid. (The digest alone would only say so later.)
--
-- Why it holds against a call at the same time: adding a row takes the instruction's row FOR KEY SHARE (the foreign key),
-- the gate takes it FOR UPDATE before it reads (gate_lock_instructions). Whoever comes second waits, then sees the other's
-- work; for the one who adds, these triggers run after the foreign key was checked, in a statement of their own.

CREATE FUNCTION refuse_late_content() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'fundledger: drafts are written in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT a.book, a.instruction_id FROM added a) a
               CROSS JOIN LATERAL (SELECT FROM approval p WHERE p.book = a.book AND p.instruction_id = a.instruction_id OFFSET 0) p) THEN
        RAISE EXCEPTION 'fundledger: the instruction is approved, its content is final'
            USING ERRCODE = '23514', CONSTRAINT = 'instruction_is_final', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER instruction_leg_is_final AFTER INSERT ON instruction_leg REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_content();
CREATE TRIGGER payment_list_is_final AFTER INSERT ON payment_list REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_content();
CREATE TRIGGER payment_line_is_final AFTER INSERT ON payment_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_content();

CREATE FUNCTION refuse_late_rejection() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'fundledger: drafts are sent back in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    IF EXISTS (SELECT FROM added a JOIN entry e ON e.book = a.book AND e.instruction_id = a.instruction_id) THEN
        RAISE EXCEPTION 'fundledger: the instruction is posted' USING ERRCODE = '23514', CONSTRAINT = 'instruction_is_posted', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER rejection_before_posting AFTER INSERT ON rejection REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_late_rejection();
