-- Fresh statistics after a bulk load. A pooled connection keeps plans made when a table was empty until its statistics
-- change, and autovacuum comes too late for the next call. Only an owner may ANALYZE, hence SECURITY DEFINER and a list.

-- Analyses those of the named tables that are on the list; 22023 for another name. Callable inside a transaction (it sees
-- the rows of its own) or alone. Takes no lock that could wait: a table that is being analysed already is skipped.
CREATE FUNCTION refresh_statistics(p_tables text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_table text;
    v_allowed text[] := ARRAY['account', 'account_balance', 'account_day', 'allocation', 'approval', 'bank_result', 'claim_window',
        'division', 'entry', 'household', 'idempotency', 'instruction', 'instruction_leg', 'log_leaf', 'log_queue', 'notice',
        'organisation', 'payment_line', 'payment_line_private', 'payment_list', 'person', 'project', 'registry_status',
        'roster_member', 'transfer', 'village_list', 'village_list_version'];
BEGIN
    FOR v_table IN SELECT DISTINCT t FROM unnest(p_tables) t ORDER BY 1 LOOP
        IF v_table IS NULL OR NOT v_table = ANY (v_allowed) THEN
            RAISE EXCEPTION 'refresh_statistics: % is not on the list', v_table USING ERRCODE = '22023';
        END IF;
        EXECUTE format('ANALYZE (SKIP_LOCKED) %I', v_table);
    END LOOP;
END $$;
