-- The gate: all checks together, and the writing (see 0001/66_).

-- Five to the district, but for the single lines (also called, on a list not yet approved, by the preview).
CREATE OR REPLACE FUNCTION gate_payment_faults(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT * FROM gate_check_funds(p_work, p_legs) UNION ALL SELECT * FROM gate_check_projects(p_work)
    UNION ALL SELECT * FROM gate_check_tendering(p_work) UNION ALL SELECT * FROM gate_check_management(p_work)
    UNION ALL SELECT * FROM gate_check_publicity(p_work) UNION ALL SELECT * FROM gate_check_reissues(p_work, p_legs)
    UNION ALL SELECT * FROM gate_check_advances(p_work, p_legs)
$$;

-- Reversing a defunding (调回) gives a project money again: those legs as the funding they are, so that the library has its say.
CREATE FUNCTION gate_refunded(p_legs gate_leg[]) RETURNS gate_leg[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_leg gate_leg;
    v_account record;
    v_legs gate_leg[] := '{}';
BEGIN
    FOREACH v_leg IN ARRAY p_legs LOOP
        SELECT a.project_id, a.allocation_id, n.fiscal_year, n.village_code INTO v_account
        FROM entry e
        CROSS JOIN LATERAL (SELECT * FROM account a WHERE a.book = v_leg.book AND a.account_id = v_leg.debit_account OFFSET 0) a
        LEFT JOIN LATERAL (SELECT * FROM allocation n WHERE n.book = a.book AND n.allocation_id = a.allocation_id OFFSET 0) n ON true
        WHERE v_leg.entry_kind = 'reverse' AND e.book = v_leg.book AND e.entry_id = v_leg.undoes_entry_id AND e.entry_kind = 'defund';
        IF FOUND THEN
            v_leg.entry_kind := 'fund';
            v_leg.project_id := v_account.project_id;
            v_leg.allocation_id := v_account.allocation_id;
            v_leg.fiscal_year := v_account.fiscal_year;
            v_leg.village_code := v_account.village_code;
            v_legs := v_legs || v_leg;
        END IF;
    END LOOP;
    RETURN v_legs;
END $$;

CREATE OR REPLACE FUNCTION gate_check(p_work gate_work[], p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_kinds text[] := ARRAY(SELECT DISTINCT w.entry_kind FROM unnest(p_work) w WHERE w.entry_kind IS NOT NULL);
    v_faults gate_fault[];
    v_stale gate_work[];
BEGIN
    PERFORM gate_lock_officers(p_work);
    v_faults := ARRAY(
        SELECT f FROM gate_check_instruction(p_work) f UNION ALL SELECT f FROM gate_check_sums(p_work, p_legs) f
        UNION ALL SELECT f FROM gate_check_periods(p_legs) f UNION ALL SELECT f FROM gate_check_duties(p_work) f
        UNION ALL SELECT f FROM gate_check_officers(p_work) f UNION ALL SELECT f FROM gate_check_references(p_work, p_legs) f
        UNION ALL SELECT f FROM gate_check_balances(p_legs) f);
    IF 'adopt' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_adopt(p_work) f); END IF;
    IF 'allocate' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_allocate(p_work) f); END IF;
    IF 'release' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_release(p_work, p_legs) f); END IF;
    IF 'adopt_own' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_adopt_own(p_work) f); END IF;
    IF 'fund' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_fund(p_legs) f); END IF;
    IF 'reverse' = ANY (v_kinds) THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_fund(gate_refunded(p_legs)) f); END IF;
    IF v_kinds && '{settle,advance_return,release}' THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_settlements(p_work, p_legs) f); END IF;
    IF v_kinds && '{virement,recover,defund,carry_over,surplus,surplus_own,release,reverse}' THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_check_year(p_work, p_legs) f);
    END IF;
    -- What an undo may take depends on what others in the batch spend and undo: it is posted alone.
    IF cardinality(p_work) > 1 AND v_kinds && '{return,reverse,advance_return}' THEN
        v_faults := v_faults || ARRAY(SELECT gate_fault_of(w.item, 'undo-in-batch', '{}') FROM unnest(p_work) w WHERE w.is_undo);
    END IF;
    IF v_kinds && '{return,reverse,advance_return}' THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_undo(p_work, p_legs) f); END IF;
    IF v_kinds && '{pay,advance,pay_other}' THEN
        v_faults := v_faults || ARRAY(SELECT f FROM gate_payment_faults(p_work, p_legs) f);
        v_stale := gate_stale(p_work);
        IF cardinality(v_stale) > 0 THEN v_faults := v_faults || ARRAY(SELECT f FROM gate_check_lines(v_stale) f); END IF;
    END IF;
    IF cardinality(v_faults) > 0 THEN
        PERFORM gate_refuse(jsonb_agg(to_jsonb(f) ORDER BY f.item, f.dimension, f.code, f.line_no)) FROM unnest(v_faults) f;
    END IF;
END $$;

-- Transfers: one per leg, or one per line of a payment list, tiling each account's totals without a gap.
CREATE OR REPLACE FUNCTION gate_write_transfers(p_legs gate_leg[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transfer (book, entry_id, line_no, debit_account, credit_account, amount, debit_before, debit_after,
                          credit_before, credit_after, undoes_entry_id, undoes_line_no, undoes_before, undoes_amount, payee_id, settles_entry_id, settles_line_no)
    SELECT l.book, l.entry_id, l.leg_no, l.debit_account, l.credit_account, l.amount, l.debit_before, l.debit_before + l.amount,
           l.credit_before, l.credit_before + l.amount, l.undoes_entry_id, l.undoes_line_no, l.undoes_before, l.undoes_amount, t.payee_id, l.settles_entry_id, l.settles_line_no
    FROM unnest(p_legs) l
    LEFT JOIN LATERAL (SELECT * FROM transfer t WHERE l.entry_kind IN ('return', 'advance_return', 'settle') AND t.book = l.book
                       AND t.entry_id = coalesce(l.undoes_entry_id, l.settles_entry_id)
                       AND t.line_no = coalesce(l.undoes_line_no, l.settles_line_no) OFFSET 0) t ON true
    WHERE NOT l.is_payment;

    INSERT INTO transfer (book, entry_id, line_no, debit_account, credit_account, amount, debit_before, debit_after,
                          credit_before, credit_after, payee_id, reissues_entry_id, reissues_line_no)
    SELECT g.book, g.entry_id, p.line_no, g.debit_account, g.credit_account, p.amount, g.debit_before + p.upto - p.amount,
           g.debit_before + p.upto, g.credit_before + p.upto - p.amount, g.credit_before + p.upto, p.payee_id, p.reissues_entry_id, p.reissues_line_no
    FROM unnest(p_legs) g
    CROSS JOIN LATERAL (
        SELECT l.line_no, l.amount, l.payee_id, l.reissues_entry_id, l.reissues_line_no, (sum(l.amount) OVER (ORDER BY l.line_no))::bigint AS upto
        FROM payment_line l WHERE l.book = g.book AND l.instruction_id = g.instruction_id AND l.leg_no = g.leg_no) p
    WHERE g.is_payment;
END $$;
