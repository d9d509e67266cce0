-- The gate: 资金到区, and every line of a list (see 0001/65_).

-- 资金到区: fund and purpose fit. (That the money is there, gate_check_balances says.)
CREATE OR REPLACE FUNCTION gate_check_funds(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (SELECT * FROM unnest(p_work) y WHERE y.is_payment),
    leg AS MATERIALIZED (
        SELECT y.item, y.effective_on, y.project_village, y.project_id AS list_project, l.project_id, l.leg_no, l.fiscal_year, l.village_code
        FROM pay y JOIN unnest(p_legs) l ON l.item = y.item)
    SELECT y.item, 'funds', 'negative-list', NULL::integer, jsonb_build_object('item_code', g.code, 'economic_class', y.economic_class)
    FROM pay y JOIN negative_list g ON y.economic_class LIKE g.economic_class || '%'
    UNION ALL
    SELECT l.item, 'funds', 'year-not-begun', NULL, jsonb_build_object('fiscal_year', l.fiscal_year) FROM leg l
    WHERE l.fiscal_year > extract(year FROM l.effective_on)
    UNION ALL
    SELECT l.item, 'funds', 'money-of-another-village', NULL, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.village_code <> l.project_village
    UNION ALL
    SELECT l.item, 'projects', 'leg-of-another-project', NULL, '{}' FROM leg l WHERE l.project_id IS DISTINCT FROM l.list_project
    UNION ALL
    SELECT y.item, 'funds', 'programme-payee-kind', NULL, jsonb_build_object('payee_kind', y.payee_kind) FROM pay y
    JOIN programme g ON g.programme_code = y.programme_code AND g.payee_kind <> y.payee_kind
    UNION ALL   -- M41, M43: money outside the five is paid outside the five, and no other is
    SELECT DISTINCT y.item, 'funds', 'fund-not-outside-five', NULL::integer, jsonb_build_object('fund_code', f.fund_code)
    FROM pay y JOIN unnest(p_legs) l ON l.item = y.item
    CROSS JOIN LATERAL (SELECT a.fund_code FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a
    JOIN fund f ON f.fund_code = a.fund_code
    WHERE y.outside_five AND NOT f.outside_five
    UNION ALL   -- a past year's account is only paid from where a returned line is paid again
    SELECT DISTINCT y.item, 'funds', 'past-year-money', NULL::integer, jsonb_build_object('exec_year', l.named_year)
    FROM pay y JOIN unnest(p_legs) l ON l.item = y.item
    WHERE l.named_year IS NOT NULL AND EXISTS (SELECT FROM payment_line p WHERE p.book = y.book AND p.instruction_id = y.instruction_id
        AND p.leg_no = l.leg_no AND p.reissues_entry_id IS NULL OFFSET 0)
$$;

-- Every line: the payee is known, was entitled on the day, is not paid twice, and gets what the standard says.
CREATE OR REPLACE FUNCTION gate_check_lines(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.item, y.book, y.instruction_id, y.programme_code, y.period, y.payee_kind, y.entitlement_on, g.roster_required, g.participation_required, g.paid_in_full,
               g.standard_parameter, parameter_value(g.standard_parameter, y.entitlement_on) AS standard
        FROM unnest(p_work) y JOIN programme g ON g.programme_code = y.programme_code
    ), checked AS MATERIALIZED (
        SELECT y.item, y.payee_kind, y.roster_required, y.participation_required, y.paid_in_full, y.standard, y.standard_parameter,
               l.line_no, l.amount, l.quantity, l.participation_ref, l.exception_document_no, k.known, s.status, o.status AS own_status, r.action, w.twice,
               (l.programme_code, l.period) <> (y.programme_code, y.period) AS strays
        FROM pay y
        CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id OFFSET 0) l
        LEFT JOIN LATERAL (
            SELECT true AS known FROM person p WHERE y.payee_kind = 'person' AND p.book = l.book AND p.person_id = l.payee_id AND p.household_id = l.household_id
            UNION ALL SELECT true FROM household h WHERE y.payee_kind = 'household' AND h.book = l.book AND h.household_id = l.payee_id
                AND l.household_id = l.payee_id
            UNION ALL SELECT true FROM organisation o WHERE y.payee_kind = 'organisation' AND o.book = l.book AND o.organisation_id = l.payee_id) k ON true
        LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE y.payee_kind <> 'organisation' AND s.book = l.book
            AND s.subject_id = l.household_id AND s.valid_from <= y.entitlement_on ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE y.payee_kind = 'person' AND s.book = l.book
            AND s.subject_id = l.payee_id AND s.valid_from <= y.entitlement_on ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) o ON true
        LEFT JOIN LATERAL (SELECT r.action FROM roster_member r WHERE y.roster_required AND r.book = l.book AND r.programme_code = l.programme_code
            AND r.payee_id = l.payee_id AND r.valid_from <= y.entitlement_on ORDER BY r.valid_from DESC, r.version DESC LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT true AS twice FROM payment_line o WHERE y.payee_kind <> 'organisation' AND o.book = l.book AND o.payee_id = l.payee_id
            AND o.programme_code = l.programme_code AND left(o.period, 4) = left(l.period, 4)
            AND period_months(o.period) && period_months(l.period)
            AND ((o.instruction_id = l.instruction_id AND o.line_no < l.line_no) OR
                 (o.instruction_id <> l.instruction_id AND (payment_line_stands(o.book, o.instruction_id, o.line_no, o.amount)
                  OR EXISTS (SELECT FROM pay e WHERE e.book = o.book AND e.instruction_id = o.instruction_id AND e.item < y.item)))) LIMIT 1) w ON true
    )
    SELECT c.item, 'funds', 'payee-unknown', c.line_no, '{}'::jsonb FROM checked c WHERE c.known IS NULL
    UNION ALL SELECT c.item, 'funds', 'payee-not-registered', c.line_no, '{}' FROM checked c
        WHERE c.known AND c.status IS NULL AND c.payee_kind <> 'organisation'
    UNION ALL SELECT c.item, 'funds', 'line-of-another-list', c.line_no, '{}' FROM checked c WHERE c.strays
    UNION ALL SELECT c.item, 'funds', 'payee-' || x.status, c.line_no, '{}' FROM checked c
        CROSS JOIN LATERAL (SELECT c.status UNION SELECT c.own_status) x (status) WHERE x.status IN ('removed', 'deceased')
    UNION ALL SELECT c.item, 'funds', 'not-on-roster', c.line_no, '{}' FROM checked c WHERE c.roster_required AND c.action IS NULL
    UNION ALL SELECT c.item, 'funds', 'roster-struck-off', c.line_no, '{}' FROM checked c WHERE c.action = 'struck_off'
    UNION ALL SELECT c.item, 'funds', 'paid-twice', c.line_no, '{}' FROM checked c WHERE c.twice
    UNION ALL SELECT c.item, 'funds', 'above-standard', c.line_no, jsonb_build_object('standard', c.standard, 'quantity', c.quantity) FROM checked c
        WHERE c.standard_parameter IS NOT NULL AND c.exception_document_no IS NULL AND c.amount > coalesce(c.standard, 0) * c.quantity
    UNION ALL SELECT c.item, 'funds', 'not-paid-in-full', c.line_no, jsonb_build_object('standard', c.standard, 'quantity', c.quantity) FROM checked c
        WHERE c.paid_in_full AND c.exception_document_no IS NULL AND c.amount < c.standard * c.quantity
    UNION ALL SELECT c.item, 'funds', 'participation-missing', c.line_no, '{}' FROM checked c
        WHERE c.participation_required AND c.participation_ref IS NULL AND c.exception_document_no IS NULL
$$;
