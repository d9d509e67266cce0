-- A preview (预览) checks a list without a row of it in payment_line: its lines stand in a table of their own, for the
-- length of a transaction that is rolled back. The gate's functions name their tables without a schema; a function with
-- `gate_preview` first in its search path shows them the lists of the book and the previewed lines together, so that a
-- preview is checked by the same text as an upload.

CREATE UNLOGGED TABLE preview_line (LIKE payment_line INCLUDING DEFAULTS, PRIMARY KEY (book, instruction_id, line_no));
ALTER TABLE preview_line ALTER COLUMN name_commitment DROP NOT NULL, ALTER COLUMN card_commitment DROP NOT NULL;
CREATE INDEX preview_line_claim ON preview_line (payee_id, programme_code, period);

CREATE SCHEMA gate_preview;
CREATE VIEW gate_preview.payment_line AS
    SELECT * FROM public.payment_line UNION ALL SELECT * FROM public.preview_line;

-- What the gate says of each line of a list of which a preview stored the header and lines; the caller rolls back.
CREATE FUNCTION preview_faults(p_book bigint, p_instruction uuid) RETURNS SETOF gate_fault
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gate_preview, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_work gate_work[] := gate_load(ARRAY[ROW(1, p_book, p_instruction, p_instruction, p_instruction, NULL, NULL, NULL, NULL)::gate_item]);
BEGIN
    RETURN QUERY SELECT * FROM gate_check_lines(v_work);
END $$;

GRANT INSERT ON preview_line TO fundledger_service;
GRANT EXECUTE ON FUNCTION preview_faults(bigint, uuid) TO fundledger_service;
