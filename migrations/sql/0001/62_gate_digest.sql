-- The gate (3 of 7): the SHA-256 of exactly what is approved. The text is stated in docs/formats.md and checked against
-- a Python implementation: one JSON array a record, lines joined by LF, UTF-8.

-- A view, so that a batch of a thousand instructions is digested in one query.

CREATE VIEW instruction_content AS
    SELECT n.book, n.instruction_id, sha256(convert_to(
    json_build_array('fundledger-instruction-v1', n.book, n.instruction_id, n.entry_kind, n.document_no, n.effective_on,
        n.summary, n.functional_class, n.economic_class, n.officer_id, n.supervisor_id, n.release_kind,
        n.exception_document_no, n.inputs, n.line_count, n.total::text, n.maker_id)::text
    || coalesce((SELECT string_agg(E'\n' || json_build_array('leg', l.leg_no, l.amount::text, l.budget_line_id, l.allocation_id,
           l.project_id, l.fund_code, l.fiscal_year, l.district, l.village_code, l.allocation_document_no,
           l.undoes_entry_id, l.undoes_line_no)::text, '' ORDER BY l.leg_no)
        FROM instruction_leg l WHERE l.book = n.book AND l.instruction_id = n.instruction_id), '')
    || coalesce((SELECT E'\n' || json_build_array('list', p.project_id, p.programme_code, p.period, p.entitlement_on,
           p.payee_kind, p.pay_method, p.is_final)::text
        FROM payment_list p WHERE p.book = n.book AND p.instruction_id = n.instruction_id), '')
    || coalesce((SELECT string_agg(E'\nline|' || l.leg_no || '|' || l.line_no || '|' || l.amount || '|' || l.payee_id || '|'
           || coalesce(l.household_id::text, '') || '|' || l.quantity || '|' || l.programme_code || '|' || l.period || '|'
           || coalesce(encode(l.card_hash, 'hex'), '') || '|' || encode(l.name_commitment, 'hex') || '|'
           || encode(l.card_commitment, 'hex') || '|' || coalesce(to_json(l.participation_ref)::text, '') || '|'
           || coalesce(to_json(l.exception_document_no)::text, ''), '' ORDER BY l.leg_no, l.line_no)
        FROM payment_line l WHERE l.book = n.book AND l.instruction_id = n.instruction_id), ''), 'UTF8')) AS digest
FROM instruction n;

CREATE FUNCTION instruction_digest(p_book bigint, p_instruction uuid) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT digest FROM instruction_content WHERE book = p_book AND instruction_id = p_instruction
$$;
