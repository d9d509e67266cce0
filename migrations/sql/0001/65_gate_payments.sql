-- The gate (6 of 7): five to the district (五到区) for payments. One function per dimension; gate_check_lines looks at
-- every line. The service's preview calls the same functions, so a preview says what paying would say.

-- 资金到区: fund and purpose fit. (That the money is there, gate_check_balances says.)
CREATE FUNCTION gate_check_funds(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
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
$$;

-- A notice counts once it has been up for the days the parameter asks, by the day of payment.
CREATE FUNCTION notice_days(p_book bigint, p_subject uuid, p_kind text, p_on date) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT max(least(c.published_to, p_on) - c.published_from + 1) FROM notice c
            WHERE c.book = p_book AND c.subject_id = p_subject AND c.subject_kind = p_kind
              AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id));
END $$;

-- 项目到区: a project of this district's library, approved by this district, with a target, its notice up long enough.
CREATE FUNCTION gate_check_projects(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_days(y.book, y.project_id, 'project', y.effective_on) AS days,
               parameter_value('publicity_days_project', y.effective_on) AS days_needed
        FROM unnest(p_work) y WHERE y.is_payment)
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
    WHERE y.in_library AND (y.days >= y.days_needed) IS NOT TRUE
$$;

-- Whether a project has passed acceptance by a day; the newest version of each record counts.
CREATE FUNCTION gate_accepted(p_book bigint, p_project uuid, p_on date) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM acceptance a WHERE a.book = p_book AND a.project_id = p_project AND a.passed AND a.accepted_on <= p_on
        AND a.version = (SELECT max(v.version) FROM acceptance v WHERE v.book = a.book AND v.acceptance_id = a.acceptance_id));
END $$;

-- 招投标到区: an award (payee is the awardee, paid at most the contract and its changes) or an exemption that fits.
CREATE FUNCTION gate_check_tendering(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, c.procurement_id, c.method, c.estimate, c.awardee_id, c.evidence_sha256, c.contract_amount + c.approved_changes AS contract,
               e.categories, e.payee_kinds, parameter_value(e.limit_parameter, y.effective_on) AS exemption_limit, e.limit_parameter,
               (SELECT coalesce(sum(b.balance), 0)::bigint FROM account a
                CROSS JOIN LATERAL (SELECT b.received - b.given AS balance FROM account_balance b
                                    WHERE b.book = a.book AND b.account_id = a.account_id OFFSET 0) b
                WHERE a.book = y.book AND a.project_id = y.project_id AND a.account_kind = 'paid') AS paid
        FROM unnest(p_work) y
        LEFT JOIN LATERAL (SELECT c.* FROM (SELECT * FROM procurement c WHERE c.book = y.book AND c.project_id = y.project_id OFFSET 0) c
            ORDER BY c.procurement_id DESC, c.version DESC LIMIT 1) c ON true
        LEFT JOIN exemption_rule e ON e.exemption_code = c.exemption_code
        WHERE y.is_payment
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
    -- Whoever says that a payment is not the last: the one that fills the contract is.
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM run y
    WHERE y.method <> 'exempt' AND NOT y.is_final AND y.paid_after = y.contract AND NOT gate_accepted(y.book, y.project_id, y.effective_on)
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
CREATE FUNCTION gate_check_management(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_days(y.book, y.instruction_id, 'payment_list', y.effective_on) AS days,
               parameter_value('publicity_days_list', y.effective_on) AS days_needed
        FROM unnest(p_work) y WHERE y.is_payment)
    SELECT y.item, 'management', 'managing-unit-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.in_library AND y.managing_unit_id IS NULL
    UNION ALL
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM pay y
    WHERE y.is_final AND NOT gate_accepted(y.book, y.project_id, y.effective_on)
    UNION ALL
    SELECT y.item, 'management', 'list-not-published', NULL, jsonb_build_object('days', coalesce(y.days, 0), 'days_needed', y.days_needed) FROM pay y
    WHERE y.payee_kind <> 'organisation' AND (y.days >= y.days_needed) IS NOT TRUE
    UNION ALL
    SELECT y.item, 'management', 'published-amount-differs', NULL, jsonb_build_object('published', c.amount, 'total', y.total) FROM pay y
    JOIN notice c ON c.book = y.book AND c.subject_id = y.instruction_id AND c.subject_kind = 'payment_list' AND c.amount <> y.total
     AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id)
    WHERE y.payee_kind <> 'organisation'
$$;

-- Whether a line was posted and has not come back whole.
CREATE FUNCTION payment_line_stands(p_book bigint, p_instruction uuid, p_line_no integer, p_amount bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM entry e WHERE e.book = p_book AND e.instruction_id = p_instruction
        AND p_amount > (SELECT coalesce(sum(u.amount), 0) FROM transfer u
            WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id AND u.undoes_line_no = p_line_no));
END $$;

-- The months of its year that a period covers: 2019 all, 2019-H2 7 to 12, 2019-Q1 1 to 3, 2019-03 the third.
CREATE FUNCTION period_months(p_period text) RETURNS int4range
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(p_period) = 4 THEN int4range(1, 13)
                WHEN substr(p_period, 6, 1) = 'H' THEN int4range(substr(p_period, 7)::integer * 6 - 5, substr(p_period, 7)::integer * 6 + 1)
                WHEN substr(p_period, 6, 1) = 'Q' THEN int4range(substr(p_period, 7)::integer * 3 - 2, substr(p_period, 7)::integer * 3 + 1)
                ELSE int4range(substr(p_period, 6)::integer, substr(p_period, 6)::integer + 1) END
$$;

-- Lists whose lines must be looked at again: somebody was paid in the same programme and year since the approval, or
-- the registry or a roster changed since. All lines were checked when the list was approved, under the same lock, and
-- everything else about a line is immutable. An approval from before a restore into a new cluster, where transaction
-- ids start anew, or older than a week is never relied on.
CREATE FUNCTION gate_stale(p_work gate_work[]) RETURNS gate_work[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT w FROM (SELECT w.*, count(*) OVER (PARTITION BY w.book, w.programme_code, left(w.period, 4)) AS together, c.paid_order_no
            FROM unnest(p_work) w
            LEFT JOIN LATERAL (SELECT * FROM claim_window c WHERE c.book = w.book AND c.programme_code = w.programme_code
                               AND c.year = left(w.period, 4) OFFSET 0) c ON true
            WHERE w.is_payment AND w.payee_kind <> 'organisation') x
        JOIN unnest(p_work) w ON w.item = x.item
        WHERE x.together > 1 OR w.checked_xmin IS NULL OR w.checked_xmin > pg_snapshot_xmin(pg_current_snapshot())
           OR w.approved_at < clock_timestamp() - interval '7 days' OR x.paid_order_no IS NULL OR x.paid_order_no > w.approval_order_no
           OR EXISTS (SELECT FROM registry_status s WHERE s.book = w.book AND s.xid >= w.checked_xmin OFFSET 0)
           OR EXISTS (SELECT FROM roster_member r WHERE r.book = w.book AND r.xid >= w.checked_xmin OFFSET 0));
END $$;

-- Every line: the payee is known, was entitled on the day, is not paid twice, and gets what the standard says.
CREATE FUNCTION gate_check_lines(p_work gate_work[]) RETURNS SETOF gate_fault
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
