-- The gate: advances, their settlement, and prepaid releases (先预拨后清算).

-- Programmes of money outside the five (M41, M43).
CREATE FUNCTION gate_outside_five(p_category text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT p_category IN ('donation', 'party_fee', 'counterpart_aid', 'collective_economy') $$;

-- What an advance is measured by: the procurement that its list names (or the project's only one), and its contract with
-- all changes; of an exemption, the estimate. Also how much of it was paid for good, and the part of it that was accepted.
CREATE FUNCTION advance_contract(p_book bigint, p_project uuid, p_named uuid, OUT procurement_id uuid, OUT contract bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE v_row procurement := gate_procurement(p_book, p_project, p_named);
BEGIN
    procurement_id := v_row.procurement_id;
    contract := CASE WHEN v_row.method = 'exempt' THEN v_row.estimate ELSE contract_sum(p_book, v_row.procurement_id) END;
END $$;

CREATE FUNCTION advance_earned(p_book bigint, p_project uuid, p_named uuid, p_on date, OUT procurement_id uuid, OUT paid bigint, OUT earned bigint,
                               OUT percent integer)
LANGUAGE plpgsql STABLE AS $$
DECLARE v_contract bigint;
BEGIN
    SELECT c.procurement_id, c.contract INTO procurement_id, v_contract FROM advance_contract(p_book, p_project, p_named) c;
    percent := coalesce(accepted_percent(p_book, p_project, procurement_id, p_on), 0);
    earned := coalesce(accepted_earned(p_book, p_project, procurement_id, p_on, v_contract), 0);
    paid := coalesce(contract_paid(p_book, procurement_id), 0) - (SELECT coalesce(sum(s.outstanding), 0)::bigint FROM advance_status s
        WHERE s.book = p_book AND s.project_id = p_project
          AND coalesce(s.procurement_id, first_procurement(p_book, p_project)) = advance_earned.procurement_id);   -- as contract_paid counts
END $$;

-- Advances go to one organisation a leg, within the percentage of its contract, and to nobody who owes an overdue one.
-- Money outside the five knows no project, and its programmes are paid by no other money.
CREATE FUNCTION gate_check_advances(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH advance AS MATERIALIZED (
        SELECT y.item, y.book, y.instruction_id, y.project_id, y.effective_on, y.payee_kind, y.total, c.procurement_id, c.contract,
               coalesce(parameter_value('prepay_percent_max', y.effective_on), 0) AS percent
        FROM unnest(p_work) y
        CROSS JOIN LATERAL (SELECT * FROM advance_contract(y.book, y.project_id, y.procurement_id) OFFSET 0) c
        WHERE y.entry_kind = 'advance'
    ), run AS (
        SELECT y.*, s.outstanding, s.outstanding + sum(y.total) OVER (PARTITION BY y.book, y.procurement_id ORDER BY y.item) AS after
        FROM advance y
        -- An advance whose list named no contract counts for each of its project.
        CROSS JOIN LATERAL (SELECT coalesce(sum(s.outstanding), 0)::bigint AS outstanding FROM advance_status s
            WHERE s.book = y.book AND s.project_id = y.project_id
              AND coalesce(s.procurement_id, y.procurement_id) = y.procurement_id) s
    ), leg AS MATERIALIZED (
        SELECT y.item, y.effective_on, l.book, l.instruction_id, l.leg_no, l.payee_id FROM advance y JOIN unnest(p_legs) l ON l.item = y.item
    ), other AS MATERIALIZED (
        SELECT y.item, y.outside_five, y.project_id, y.procurement_id, y.claim_id, gate_outside_five(g.category) AS fits FROM unnest(p_work) y
        JOIN programme g ON g.programme_code = y.programme_code WHERE y.is_payment AND (y.outside_five OR gate_outside_five(g.category)))
    SELECT y.item, 'funds', 'advance-not-to-organisation', NULL::integer, '{}'::jsonb FROM advance y WHERE y.payee_kind <> 'organisation'
    UNION ALL
    SELECT DISTINCT l.item, 'funds', 'advance-payee-differs', NULL::integer, '{}'::jsonb FROM leg l
    WHERE EXISTS (SELECT FROM payment_line p WHERE p.book = l.book AND p.instruction_id = l.instruction_id AND p.leg_no = l.leg_no
                  AND p.payee_id IS DISTINCT FROM l.payee_id OFFSET 0)
    UNION ALL
    SELECT y.item, 'funds', 'advance-above-limit', NULL, jsonb_build_object('percent', y.percent, 'contract', y.contract,
           'limit', y.contract * y.percent / 100, 'outstanding', y.outstanding) FROM run y
    WHERE y.after * 100 > y.contract * y.percent
    UNION ALL
    SELECT DISTINCT l.item, 'management', 'advance-overdue', NULL::integer, jsonb_build_object('entry_id', s.entry_id, 'due_on', s.due_on,
           'outstanding', s.outstanding)
    FROM leg l
    CROSS JOIN LATERAL (SELECT s.* FROM advance_status s WHERE s.book = l.book AND s.payee_id = l.payee_id AND s.outstanding > 0
                        AND s.due_on < l.effective_on ORDER BY s.due_on, s.entry_id LIMIT 1) s
    UNION ALL
    SELECT o.item, 'funds', 'pay-other-names-project', NULL, '{}' FROM other o
    WHERE o.outside_five AND num_nonnulls(o.project_id, o.procurement_id, o.claim_id) > 0
    UNION ALL
    SELECT o.item, 'funds', 'programme-outside-five', NULL, '{}' FROM other o
    WHERE (o.outside_five AND NOT o.fits) OR (NOT o.outside_five AND EXISTS (SELECT FROM unnest(p_legs) l
        CROSS JOIN LATERAL (SELECT a.fund_code FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a
        JOIN fund f ON f.fund_code = a.fund_code WHERE l.item = o.item AND NOT f.outside_five))
$$;

-- Settling stays within the accepted work, and names an advance, in the order in which the account received them, so that its reference and the trail (first in,
-- first out) say the same. An account's lots are its advances and what reversals of settlements gave back, each less what
-- was returned of it; a lot that came back answers for the advance it was settled from.
CREATE FUNCTION gate_check_settling(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT l.*, e.effective_on AS advanced_on, a.allocation_id AS its_allocation, a.project_id AS its_project, a.account_id AS lots_of,
               n.procurement_id AS named
        FROM unnest(p_legs) l
        LEFT JOIN LATERAL (SELECT * FROM entry e WHERE e.book = l.book AND e.entry_id = l.settles_entry_id AND e.entry_kind = 'advance' OFFSET 0) e ON true
        LEFT JOIN LATERAL (SELECT * FROM account a WHERE e.entry_id IS NOT NULL AND a.book = l.book AND a.account_id = l.credit_account OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT n.procurement_id FROM payment_list n WHERE n.book = e.book AND n.instruction_id = e.instruction_id OFFSET 0) n ON true
        WHERE l.entry_kind = 'settle'
    ), earned AS (
        SELECT l.item, l.leg_no, r.percent, r.earned, r.paid + sum(l.amount) OVER (PARTITION BY l.book, r.procurement_id ORDER BY l.ord) AS after
        FROM leg l CROSS JOIN LATERAL (SELECT * FROM advance_earned(l.book, l.its_project, l.named, l.effective_on) OFFSET 0) r
        WHERE l.its_project IS NOT NULL
    ), lot AS MATERIALIZED (
        SELECT c.book, c.account_id, coalesce(o.settles_entry_id, r.entry_id) AS entry_id, coalesce(o.settles_line_no, r.line_no) AS line_no,
               sum(z.size) OVER before - z.size AS starts, sum(z.size) OVER before AS ends
        FROM (SELECT DISTINCT l.book, l.lots_of AS account_id FROM leg l WHERE l.lots_of IS NOT NULL) c
        CROSS JOIN LATERAL (SELECT * FROM transfer r WHERE r.book = c.book AND r.debit_account = c.account_id OFFSET 0) r
        CROSS JOIN LATERAL (SELECT r.amount - coalesce(sum(u.amount), 0) AS size FROM transfer u
            WHERE u.book = r.book AND u.undoes_entry_id = r.entry_id AND u.undoes_line_no = r.line_no) z
        LEFT JOIN LATERAL (SELECT o.settles_entry_id, o.settles_line_no FROM transfer o WHERE r.undoes_entry_id IS NOT NULL
            AND o.book = r.book AND o.entry_id = r.undoes_entry_id AND o.line_no = r.undoes_line_no OFFSET 0) o ON true
        WINDOW before AS (PARTITION BY c.book, c.account_id ORDER BY r.debit_before)
    ), taken AS (
        SELECT l.item, l.leg_no, l.amount, coalesce(sum(greatest(t.ends - greatest(t.starts, l.spent_before), 0)), 0)::bigint AS remaining,
               coalesce(sum(greatest(least(t.ends, l.spent_before + l.amount) - greatest(t.starts, l.spent_before), 0)), 0)::bigint AS in_turn
        FROM leg l LEFT JOIN lot t ON t.book = l.book AND t.account_id = l.lots_of AND t.entry_id = l.settles_entry_id AND t.line_no = l.settles_line_no
        WHERE l.lots_of IS NOT NULL GROUP BY l.item, l.leg_no, l.amount)
    SELECT l.item, 'posting', 'advance-not-found', l.leg_no, '{}'::jsonb FROM leg l WHERE l.credit_account IS NOT NULL AND l.lots_of IS NULL
    UNION ALL
    SELECT l.item, 'posting', 'settle-differs', l.leg_no, '{}' FROM leg l
    WHERE l.lots_of IS NOT NULL AND (l.allocation_id, l.project_id) IS DISTINCT FROM (l.its_allocation, l.its_project)
    UNION ALL
    SELECT l.item, 'posting', 'settle-before-advance', l.leg_no, jsonb_build_object('advanced_on', l.advanced_on) FROM leg l
    WHERE l.effective_on < l.advanced_on
    UNION ALL
    SELECT t.item, 'posting', 'settle-exceeds', t.leg_no, jsonb_build_object('remaining', t.remaining) FROM taken t WHERE t.amount > t.remaining
    UNION ALL
    SELECT t.item, 'posting', 'settle-out-of-order', t.leg_no, '{}' FROM taken t WHERE t.amount <= t.remaining AND t.amount > t.in_turn
    UNION ALL
    SELECT r.item, 'management', 'settle-without-acceptance', r.leg_no, jsonb_build_object('percent', r.percent, 'earned', r.earned,
           'excess', r.after - r.earned) FROM earned r
    WHERE r.after > r.earned
$$;

-- What a settlement or a remainder's return rests on is kept evidence of this book, named in the instruction's inputs and so
-- under the approved digest. A returned line of the bank's needs none: the bank's result is there.
CREATE FUNCTION gate_check_basis(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT w.item, 'management', CASE w.entry_kind WHEN 'settle' THEN 'settle-without-evidence' ELSE 'advance-return-without-receipt' END,
           NULL::integer, '{}'::jsonb
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT n.inputs FROM instruction n WHERE n.book = w.book AND n.instruction_id = w.instruction_id OFFSET 0) n
    LEFT JOIN LATERAL (SELECT v.sha256 FROM evidence v WHERE v.book = w.book
                       AND v.sha256 = decode(substring(n.inputs FROM '"evidence_sha256":"([0-9a-f]{64})"'), 'hex') OFFSET 0) v ON true
    WHERE w.entry_kind IN ('settle', 'advance_return') AND v.sha256 IS NULL
      AND (w.entry_kind = 'settle' OR EXISTS (SELECT FROM unnest(p_legs) l WHERE l.item = w.item AND NOT EXISTS (
           SELECT FROM bank_result r WHERE r.book = l.book AND r.entry_id = l.undoes_entry_id AND r.line_no = l.undoes_line_no AND r.outcome || '' = 'returned' OFFSET 0)))
$$;

-- Prepaid releases: at most a percentage of the allocation; topped up only against the year's approved result, and up to it.
CREATE FUNCTION gate_check_prepaid(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH release AS MATERIALIZED (
        SELECT l.*, w.release_kind, sum(l.amount) OVER (PARTITION BY l.book, l.allocation_id ORDER BY l.ord) AS upto,
               sum(l.amount) FILTER (WHERE w.release_kind = 'prepaid') OVER (PARTITION BY l.book, l.allocation_id ORDER BY l.ord) AS prepaid_upto
        FROM unnest(p_legs) l JOIN unnest(p_work) w ON w.item = l.item
        WHERE l.entry_kind = 'release' AND l.side = 1 AND l.book IS NOT NULL
    ), prepaid AS (
        SELECT l.item, l.leg_no, l.prepaid_upto + k.prepaid AS after, f.allocated, coalesce(parameter_value('prepaid_release_percent_max', l.effective_on), 0) AS percent
        FROM release l
        CROSS JOIN LATERAL (SELECT coalesce(sum(y.balance), 0)::bigint AS allocated
            FROM (VALUES (l.credit_account), (l.debit_account)) v (account_id)
            CROSS JOIN LATERAL (SELECT y.received - y.given AS balance FROM account_balance y
                                WHERE y.book = l.book AND y.account_id = v.account_id OFFSET 0) y) f
        CROSS JOIN LATERAL (SELECT coalesce(sum(t.amount - t.undone), 0)::bigint AS prepaid FROM (
            SELECT t.amount, (SELECT coalesce(sum(u.amount), 0) FROM transfer u
                WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no) AS undone
            FROM transfer t
            CROSS JOIN LATERAL (SELECT e.instruction_id FROM entry e WHERE e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind = 'release' OFFSET 0) e
            CROSS JOIN LATERAL (SELECT n.release_kind FROM instruction n WHERE n.book = t.book AND n.instruction_id = e.instruction_id OFFSET 0) n
            WHERE t.book = l.book AND t.debit_account = l.debit_account AND n.release_kind = 'prepaid') t) k
        WHERE l.release_kind = 'prepaid'
    ), topup AS (
        SELECT l.item, l.leg_no, s.result_amount AS result, greatest(s.result_amount - l.debit_before_net - l.upto + l.amount, 0) AS remaining, l.amount
        FROM (SELECT l.*, coalesce((SELECT y.received - y.given FROM account_balance y WHERE y.book = l.book AND y.account_id = l.debit_account), 0) AS debit_before_net
              FROM release l WHERE l.release_kind = 'topup') l
        LEFT JOIN LATERAL (SELECT s.result_amount FROM release_settlement_current s WHERE s.book = l.book AND s.allocation_id = l.allocation_id) s ON true)
    SELECT p.item, 'posting', 'prepaid-release-above-limit', p.leg_no, jsonb_build_object('percent', p.percent, 'limit', p.allocated * p.percent / 100)
    FROM prepaid p WHERE p.after * 100 > p.allocated * p.percent
    UNION ALL
    SELECT t.item, 'posting', 'topup-without-settlement', t.leg_no, '{}' FROM topup t WHERE t.result IS NULL
    UNION ALL
    SELECT t.item, 'posting', 'topup-above-result', t.leg_no, jsonb_build_object('remaining', t.remaining) FROM topup t WHERE t.result IS NOT NULL AND t.amount > t.remaining
$$;

CREATE FUNCTION gate_check_settlements(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT * FROM gate_check_settling(p_legs) UNION ALL SELECT * FROM gate_check_basis(p_work, p_legs)
    UNION ALL SELECT * FROM gate_check_prepaid(p_work, p_legs)
$$;
