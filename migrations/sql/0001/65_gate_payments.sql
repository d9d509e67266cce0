-- The gate (6 of 7): five to the district (五到区) for payments. One function per dimension; gate_check_lines looks at
-- every line. The service's preview calls the same functions, so a preview says what paying would say.

CREATE TYPE gate_payment AS (
    item integer, book bigint, instruction_id uuid, document_no text, effective_on date, economic_class text, total bigint,
    project_id uuid, programme_code text, period text, entitlement_on date, payee_kind text, is_final boolean,
    in_library boolean, project_status text, project_target text, project_programme text, project_category text,
    project_village text, managing_unit_id uuid, planned_amount bigint);

CREATE FUNCTION gate_payments(p_items gate_item[]) RETURNS SETOF gate_payment
LANGUAGE sql STABLE AS $$
    SELECT i.item, n.book, n.instruction_id, n.document_no, n.effective_on, n.economic_class, n.total,
           l.project_id, l.programme_code, l.period, l.entitlement_on, l.payee_kind, l.is_final,
           p.project_id IS NOT NULL, p.status, p.performance_target, p.programme_code, p.category,
           p.village_code, p.managing_unit_id, p.planned_amount
    FROM unnest(p_items) i
    JOIN instruction n ON n.book = i.book AND n.instruction_id = i.instruction_id AND n.entry_kind = 'pay'
    LEFT JOIN payment_list l ON l.book = n.book AND l.instruction_id = n.instruction_id
    LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = n.book AND p.project_id = l.project_id
                       ORDER BY p.version DESC LIMIT 1) p ON true
$$;

-- 资金到区: fund and purpose fit. (That the money is there, gate_check_balances says.)
CREATE FUNCTION gate_check_funds(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (SELECT * FROM gate_payments(p_items)),
    leg AS MATERIALIZED (
        SELECT y.item, y.effective_on, y.project_village, y.project_id AS list_project, l.project_id, l.leg_no, a.fiscal_year, a.village_code, a.district
        FROM pay y JOIN instruction_leg l ON l.book = y.book AND l.instruction_id = y.instruction_id
        LEFT JOIN allocation a ON a.book = l.book AND a.allocation_id = l.allocation_id)
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
$$;

-- A notice counts once it has been up for the days the parameter asks, by the day of payment.
CREATE FUNCTION notice_days(p_book bigint, p_subject uuid, p_kind text, p_on date) RETURNS integer
LANGUAGE sql STABLE AS $$
    SELECT max(least(c.published_to, p_on) - c.published_from + 1) FROM notice c
    WHERE c.book = p_book AND c.subject_id = p_subject AND c.subject_kind = p_kind
      AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id)
$$;

-- 项目到区: a project of this district's library, approved by this district, with a target, its notice up long enough.
CREATE FUNCTION gate_check_projects(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_days(y.book, y.project_id, 'project', y.effective_on) AS days,
               parameter_value('publicity_days_project', y.effective_on) AS days_needed
        FROM gate_payments(p_items) y)
    SELECT y.item, 'projects', 'project-not-in-library', NULL::integer, '{}'::jsonb FROM pay y WHERE NOT y.in_library
    UNION ALL
    SELECT y.item, 'projects', 'project-not-approved', NULL, jsonb_build_object('status', y.project_status) FROM pay y
    WHERE y.in_library AND y.project_status <> 'approved'
    UNION ALL
    SELECT y.item, 'projects', 'project-without-target', NULL, '{}' FROM pay y WHERE y.in_library AND y.project_target = ''
    UNION ALL
    SELECT y.item, 'projects', 'project-of-another-programme', NULL, jsonb_build_object('programme_code', y.project_programme) FROM pay y
    WHERE y.in_library AND y.project_programme <> y.programme_code
    UNION ALL
    SELECT y.item, 'projects', 'project-not-published', NULL, jsonb_build_object('days', coalesce(y.days, 0), 'days_needed', y.days_needed) FROM pay y
    WHERE y.in_library AND coalesce(y.days, 0) < y.days_needed
$$;

-- 招投标到区: an award (payee is the awardee, paid at most the contract and its changes) or an exemption that fits.
CREATE FUNCTION gate_check_tendering(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, c.procurement_id, c.method, c.estimate, c.awardee_id, c.evidence_sha256, c.contract_amount + c.approved_changes AS contract,
               e.categories, e.payee_kinds, parameter_value(e.limit_parameter, y.effective_on) AS exemption_limit, e.limit_parameter,
               (SELECT coalesce(sum(b.received - b.given), 0)::bigint FROM account a
                JOIN account_balance b ON b.book = a.book AND b.account_id = a.account_id
                WHERE a.book = y.book AND a.project_id = y.project_id AND a.account_kind = 'paid') AS paid
        FROM gate_payments(p_items) y
        LEFT JOIN LATERAL (SELECT c.* FROM procurement c WHERE c.book = y.book AND c.project_id = y.project_id
            AND c.version = (SELECT max(v.version) FROM procurement v WHERE v.book = c.book AND v.procurement_id = c.procurement_id)
            ORDER BY c.procurement_id DESC LIMIT 1) c ON true
        LEFT JOIN exemption_rule e ON e.exemption_code = c.exemption_code
    ), run AS (
        SELECT y.*, y.paid + sum(y.total) OVER (PARTITION BY y.book, y.project_id ORDER BY y.item) AS paid_after FROM pay y)
    SELECT y.item, 'tendering', 'procurement-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.procurement_id IS NULL
    UNION ALL
    SELECT y.item, 'tendering', 'payee-not-awardee', NULL, '{}' FROM pay y
    WHERE y.method <> 'exempt' AND EXISTS (SELECT FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id
        AND l.payee_id IS DISTINCT FROM y.awardee_id)
    UNION ALL
    SELECT y.item, 'tendering', 'contract-exceeded', NULL, jsonb_build_object('contract', y.contract, 'excess', y.paid_after - y.contract) FROM run y
    WHERE y.method <> 'exempt' AND y.paid_after > y.contract
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-not-allowed', NULL, jsonb_build_object('category', y.project_category) FROM pay y
    WHERE y.method = 'exempt' AND (NOT ('*' = ANY (y.categories) OR y.project_category = ANY (y.categories))
        OR NOT ('*' = ANY (y.payee_kinds) OR y.payee_kind = ANY (y.payee_kinds)))
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-limit-exceeded', NULL, jsonb_build_object('limit', y.exemption_limit) FROM run y
    WHERE y.method = 'exempt' AND y.limit_parameter IS NOT NULL AND greatest(y.estimate, y.paid_after) > coalesce(y.exemption_limit, 0)
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-without-evidence', NULL, '{}' FROM pay y WHERE y.method = 'exempt' AND y.evidence_sha256 IS NULL
$$;

-- 管理到区: a managing unit, acceptance before the final payment, the list itself published long enough and as it is.
CREATE FUNCTION gate_check_management(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_days(y.book, y.instruction_id, 'payment_list', y.effective_on) AS days,
               parameter_value('publicity_days_list', y.effective_on) AS days_needed
        FROM gate_payments(p_items) y)
    SELECT y.item, 'management', 'managing-unit-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.in_library AND y.managing_unit_id IS NULL
    UNION ALL
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM pay y
    WHERE y.is_final AND NOT EXISTS (SELECT FROM acceptance_current a WHERE a.book = y.book AND a.project_id = y.project_id
        AND a.passed AND a.accepted_on <= y.effective_on)
    UNION ALL
    SELECT y.item, 'management', 'list-not-published', NULL, jsonb_build_object('days', coalesce(y.days, 0), 'days_needed', y.days_needed) FROM pay y
    WHERE y.payee_kind <> 'organisation' AND coalesce(y.days, 0) < y.days_needed
    UNION ALL
    SELECT y.item, 'management', 'published-amount-differs', NULL, jsonb_build_object('published', c.amount, 'total', y.total) FROM pay y
    JOIN notice c ON c.book = y.book AND c.subject_id = y.instruction_id AND c.subject_kind = 'payment_list' AND c.amount <> y.total
     AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id)
    WHERE y.payee_kind <> 'organisation'
$$;

-- Whether a line was posted and has not come back whole.
CREATE FUNCTION payment_line_stands(p_book bigint, p_instruction uuid, p_line_no integer, p_amount bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM entry e WHERE e.book = p_book AND e.instruction_id = p_instruction
        AND p_amount > (SELECT coalesce(sum(u.amount), 0) FROM transfer u
            WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id AND u.undoes_line_no = p_line_no))
$$;

-- Every line: the payee is known, was entitled on the day, is not paid twice, and gets what the standard says.
CREATE FUNCTION gate_check_lines(p_items gate_item[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, g.roster_required, g.participation_required, g.paid_in_full, g.standard_parameter,
               parameter_value(g.standard_parameter, y.entitlement_on) AS standard
        FROM gate_payments(p_items) y JOIN programme g ON g.programme_code = y.programme_code
    ), line AS (
        SELECT y.item, y.book, y.payee_kind, y.entitlement_on, y.roster_required, y.participation_required, y.paid_in_full, y.standard,
               y.standard_parameter, l.line_no, l.leg_no, l.instruction_id, l.amount, l.payee_id, l.household_id, l.quantity,
               l.participation_ref, l.exception_document_no, l.programme_code, l.period
        FROM pay y JOIN payment_line l ON l.book = y.book AND l.instruction_id = y.instruction_id
    ), checked AS (
        SELECT l.*, s.status, r.action, w.twice,
               CASE l.payee_kind WHEN 'organisation' THEN EXISTS (SELECT FROM organisation o WHERE o.book = l.book AND o.organisation_id = l.payee_id)
                    WHEN 'household' THEN EXISTS (SELECT FROM household h WHERE h.book = l.book AND h.household_id = l.payee_id)
                    ELSE EXISTS (SELECT FROM person p WHERE p.book = l.book AND p.person_id = l.payee_id AND p.household_id = l.household_id) END AS known
        FROM line l
        LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE l.payee_kind <> 'organisation' AND s.book = l.book
            AND s.subject_id = l.household_id AND s.valid_from <= l.entitlement_on ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT r.action FROM roster_member r WHERE l.roster_required AND r.book = l.book AND r.programme_code = l.programme_code
            AND r.payee_id = l.payee_id AND r.valid_from <= l.entitlement_on ORDER BY r.valid_from DESC, r.version DESC LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT true AS twice FROM payment_line o WHERE l.payee_kind <> 'organisation' AND o.book = l.book AND o.payee_id = l.payee_id
            AND o.programme_code = l.programme_code AND o.period = l.period
            AND ((o.instruction_id = l.instruction_id AND o.line_no < l.line_no) OR
                 (o.instruction_id <> l.instruction_id AND payment_line_stands(o.book, o.instruction_id, o.line_no, o.amount))) LIMIT 1) w ON true
    )
    SELECT c.item, v.dimension, v.code, c.line_no, v.params FROM checked c
    CROSS JOIN LATERAL (VALUES
        (NOT c.known, 'funds', 'payee-unknown', '{}'::jsonb),
        (c.known AND c.payee_kind <> 'organisation' AND c.status IS NULL, 'funds', 'payee-not-registered', '{}'),
        (c.status = 'removed', 'funds', 'payee-removed', '{}'),
        (c.status = 'deceased', 'funds', 'payee-deceased', '{}'),
        (c.roster_required AND c.action IS NULL, 'funds', 'not-on-roster', '{}'),
        (c.action = 'struck_off', 'funds', 'roster-struck-off', '{}'),
        (c.twice, 'funds', 'paid-twice', '{}'),
        (c.standard_parameter IS NOT NULL AND c.exception_document_no IS NULL AND c.amount > coalesce(c.standard, 0) * c.quantity,
         'funds', 'above-standard', jsonb_build_object('standard', c.standard, 'quantity', c.quantity)),
        (c.paid_in_full AND c.exception_document_no IS NULL AND c.amount < c.standard * c.quantity,
         'funds', 'not-paid-in-full', jsonb_build_object('standard', c.standard, 'quantity', c.quantity)),
        (c.participation_required AND c.participation_ref IS NULL AND c.exception_document_no IS NULL, 'funds', 'participation-missing', '{}')
    ) v (broken, dimension, code, params)
    WHERE v.broken
$$;
