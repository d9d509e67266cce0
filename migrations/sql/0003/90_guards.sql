-- Every table of this revision is append-only like those before it.

DO $$
DECLARE
    v_table text;
BEGIN
    FOR v_table IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r'
          AND c.relname NOT IN ('account_balance', 'account_day', 'refusal_count', 'log_queue', 'claim_window', 'alembic_version')
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = c.relname || '_append_only')
        ORDER BY 1
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       v_table || '_append_only', v_table);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       v_table || '_no_truncate', v_table);
        EXECUTE format('GRANT SELECT ON %I TO fundledger_service', v_table);
    END LOOP;
END $$;

-- Functions are for nobody until they are named.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT SELECT ON log_node, log_line_node, log_checkpoint, log_cosignature TO fundledger_reader;
GRANT INSERT (size, name, key_id, time, line) ON log_cosignature TO fundledger_service;
GRANT EXECUTE ON FUNCTION
    log_append(bigint, bigint[], bytea[], bytea[], bigint[], integer[], integer[], bytea[]),
    log_ties(bigint[]), log_sign(bigint, bytea, text)
TO fundledger_service;

-- Erasure (40_).
GRANT EXECUTE ON FUNCTION approve_erasure(bigint, uuid, bytea, uuid), reject_erasure(bigint, uuid, uuid, text) TO fundledger_service;
GRANT EXECUTE ON FUNCTION erasure_lines(bigint, uuid), last_moved_on(bigint, uuid, integer), erasure_faults(bigint, uuid) TO fundledger_service;
GRANT EXECUTE ON FUNCTION erasure_scope(bigint, uuid), erasure_digest(bigint, uuid) TO fundledger_service, fundledger_reader;
