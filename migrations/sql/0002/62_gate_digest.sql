-- The SHA-256 of exactly what is approved, with what legs, lists and lines may say since this revision. Each of the new
-- records (`leg+`, `list+`, `reissues`) stands only where there is something to say, so that the digest of everything
-- approved before is what it was. Stated in docs/formats.md, implemented again in fundledger.sealing.content.

CREATE OR REPLACE VIEW instruction_content AS
    SELECT n.book, n.instruction_id, sha256(convert_to(
    json_build_array('fundledger-instruction-v1', n.book, n.instruction_id, n.entry_kind, n.document_no, n.effective_on,
        n.summary, n.functional_class, n.economic_class, n.officer_id, n.supervisor_id, n.release_kind,
        n.exception_document_no, n.inputs, n.line_count, n.total::text, n.maker_id)::text
    || coalesce((SELECT string_agg(E'\n' || json_build_array('leg', l.leg_no, l.amount::text, l.budget_line_id, l.allocation_id,
           l.project_id, l.fund_code, l.fiscal_year, l.district, l.village_code, l.allocation_document_no,
           l.undoes_entry_id, l.undoes_line_no)::text
           || CASE WHEN num_nonnulls(l.exec_year, l.to_allocation_id, l.payee_id, l.settles_entry_id, l.settles_line_no) = 0 THEN ''
              ELSE E'\n' || json_build_array('leg+', l.leg_no, l.exec_year, l.to_allocation_id, l.payee_id, l.settles_entry_id,
                  l.settles_line_no)::text END, '' ORDER BY l.leg_no)
        FROM instruction_leg l WHERE l.book = n.book AND l.instruction_id = n.instruction_id), '')
    || coalesce((SELECT E'\n' || json_build_array('list', p.project_id, p.programme_code, p.period, p.entitlement_on,
           p.payee_kind, p.pay_method, p.is_final)::text
           || CASE WHEN num_nonnulls(p.procurement_id, p.claim_id) = 0 THEN ''
              ELSE E'\n' || json_build_array('list+', p.procurement_id, p.claim_id)::text END
        FROM payment_list p WHERE p.book = n.book AND p.instruction_id = n.instruction_id), '')
    || coalesce((SELECT string_agg(E'\nline|' || l.leg_no || '|' || l.line_no || '|' || l.amount || '|' || l.payee_id || '|'
           || coalesce(l.household_id::text, '') || '|' || l.quantity || '|' || l.programme_code || '|' || l.period || '|'
           || coalesce(encode(l.card_hash, 'hex'), '') || '|' || encode(l.name_commitment, 'hex') || '|'
           || encode(l.card_commitment, 'hex') || '|' || coalesce(to_json(l.participation_ref)::text, '') || '|'
           || coalesce(to_json(l.exception_document_no)::text, '')
           || CASE WHEN l.reissues_entry_id IS NULL THEN ''
              ELSE E'\nreissues|' || l.line_no || '|' || l.reissues_entry_id || '|' || l.reissues_line_no END, '' ORDER BY l.leg_no, l.line_no)
        FROM payment_line l WHERE l.book = n.book AND l.instruction_id = n.instruction_id), ''), 'UTF8')) AS digest
FROM instruction n;
