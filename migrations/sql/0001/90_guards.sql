-- Append-only, enforced twice: grants (the service can't), triggers (nobody does by mistake). Derived totals are the only
-- mutable rows: account_balance, account_day, refusal_count, claim_window, log_queue.

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'fundledger: % on % is refused: the record is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

DO $$
DECLARE
    v_table text;
BEGIN
    FOR v_table IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r'
          AND c.relname NOT IN ('account_balance', 'account_day', 'refusal_count', 'log_queue', 'claim_window', 'alembic_version')
        ORDER BY 1
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
                       v_table || '_append_only', v_table);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                       v_table || '_no_truncate', v_table);
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fundledger_service, fundledger_reader;

-- The service reads everything, adds records of the outer world, and posts through the gate only. People (unit, staff,
-- token) are added by the owner's CLI, so that the service can't invent an approver.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO fundledger_service;
GRANT INSERT ON division, village_list, village_list_version, registry_import, household, person, organisation, officer_term,
    project, procurement, acceptance, declared_figure, instruction, instruction_leg, payment_list, payment_line,
    payment_line_private, bank_result, rejection, idempotency TO fundledger_service;
-- Not their xid, which tells a payment what changed since its approval.
GRANT INSERT (book, subject_id, valid_from, version, status, document_no, recorded_by) ON registry_status TO fundledger_service;
GRANT INSERT (book, programme_code, payee_id, valid_from, version, action, document_no, recorded_by) ON roster_member TO fundledger_service;
GRANT EXECUTE ON FUNCTION
    gate_post(bigint[], uuid[], uuid[], uuid[], uuid[], bytea[], text[], bytea[]),
    gate_approve(bigint, uuid, bytea, uuid, uuid),
    gate_close_period(bigint, date, uuid, uuid, text),
    payment_faults(bigint, uuid),
    instruction_digest(bigint, uuid),
    record_refusal(bigint, uuid, text, uuid, text, uuid, bytea, jsonb),
    publish_notice(bigint, uuid, integer, text, uuid, text, text, date, date, bigint, text, uuid),
    log_append(bigint[], bytea[], bytea[]),
    parameter_value(text, date), shanghai_today(), notice_days(bigint, uuid, text, date),
    account_key(text, uuid, uuid, uuid, integer), undone_before_lot(bigint, uuid, bigint),
    payment_line_stands(bigint, uuid, integer, bigint)
TO fundledger_service;

-- Auditors' own SQL: everything but secrets and sealed personal data.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO fundledger_reader;
REVOKE SELECT ON token, token_revocation, idempotency, payment_line_private, person, organisation FROM fundledger_reader;
GRANT SELECT (book, person_id, household_id, is_head, recorded_by, recorded_at) ON person TO fundledger_reader;
GRANT SELECT (book, organisation_id, kind, name, credit_code, recorded_by, recorded_at) ON organisation TO fundledger_reader;
GRANT EXECUTE ON FUNCTION parameter_value(text, date), shanghai_today(), notice_days(bigint, uuid, text, date),
    instruction_digest(bigint, uuid), payment_line_stands(bigint, uuid, integer, bigint),
    undone_before_lot(bigint, uuid, bigint) TO fundledger_reader;
GRANT EXECUTE ON FUNCTION refresh_statistics(text[]) TO fundledger_service;
GRANT EXECUTE ON FUNCTION account_key(text, uuid, uuid, uuid, integer) TO fundledger_reader;  -- budget_line_status calls it
GRANT EXECUTE ON FUNCTION account_side_at(bigint, uuid, boolean, bigint, bigint) TO fundledger_service, fundledger_reader;
