-- Every table of this revision is append-only like those before it; reference rows are filled by migrations only.

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

-- Functions are for nobody until they are named; auditors' own SQL reads every table but secrets, sealed personal data and
-- the evidence itself (it may show people).
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO fundledger_service;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO fundledger_reader;
REVOKE SELECT ON token, token_revocation, idempotency, payment_line_private, person, organisation, evidence, payee_account FROM fundledger_reader;
GRANT SELECT (book, person_id, household_id, is_head, recorded_by, recorded_at) ON person TO fundledger_reader;
GRANT SELECT (book, organisation_id, kind, name, credit_code, recorded_by, recorded_at) ON organisation TO fundledger_reader;
GRANT SELECT (book, holder_id, version, account_hash, bank, document_no, recorded_by, recorded_at, xid) ON payee_account TO fundledger_reader;
GRANT SELECT (book, sha256, media_type, size_bytes, title, recorded_by, recorded_at) ON evidence TO fundledger_reader;
GRANT EXECUTE ON FUNCTION account_key(text, uuid, uuid, uuid, integer, uuid) TO fundledger_service, fundledger_reader;
