-- The gate (5 of 7): checks of the single kinds: allocate, release, adopt_own, fund, return and reverse.

CREATE VIEW village_list_current AS          -- the newest version of each year's list
    SELECT v.* FROM village_list v WHERE v.version = (SELECT max(w.version) FROM village_list w
        WHERE w.book = v.book AND w.fund_code = v.fund_code AND w.fiscal_year = v.fiscal_year)
      AND NOT EXISTS (SELECT FROM village_list_version h WHERE h.book = v.book AND h.fund_code = v.fund_code
        AND h.fiscal_year = v.fiscal_year AND h.version > v.version);   -- a newer list without this district

-- The city adopts the city's funds only: a district's own money never passes through the city (M03, M04).
CREATE FUNCTION gate_check_adopt(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT w.item, 'posting', v.code, l.leg_no, v.params
    FROM unnest(p_work) w
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE w.entry_kind = 'adopt' AND l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
    LEFT JOIN fund f ON f.fund_code = l.fund_code
    LEFT JOIN LATERAL (SELECT * FROM budget_line b WHERE b.book = l.book AND b.budget_line_id = l.budget_line_id OFFSET 0) b ON true
    CROSS JOIN LATERAL (VALUES
        (f.origin IS DISTINCT FROM 'city', 'fund-not-of-this-level', jsonb_build_object('fund_code', l.fund_code)),
        ((b.fund_code, b.fiscal_year) <> (l.fund_code, l.fiscal_year), 'allocation-fund-differs', '{}')) v (broken, code, params)
    WHERE v.broken
$$;

-- M01, M02: only listed villages, at most the standard, once per village, fund and year unless a document says so.
CREATE FUNCTION gate_check_allocate(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT w.item, l.*, w.exception_document_no, b.fund_code AS line_fund, b.fiscal_year AS line_year, f.basis,
               CASE WHEN f.basis = 'village_standard' THEN parameter_value(f.standard_parameter, make_date(b.fiscal_year, 1, 1)) END AS standard,
               row_number() OVER (PARTITION BY l.village_code, b.fund_code, b.fiscal_year ORDER BY w.item, l.leg_no) AS turn
        FROM unnest(p_work) w
        CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE w.entry_kind = 'allocate' AND l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
        LEFT JOIN LATERAL (SELECT * FROM budget_line b WHERE b.book = l.book AND b.budget_line_id = l.budget_line_id OFFSET 0) b ON true
        LEFT JOIN fund f ON f.fund_code = b.fund_code)
    SELECT l.item, 'posting', 'district-unknown', l.leg_no, '{}'::jsonb FROM leg l
    WHERE NOT EXISTS (SELECT FROM book b WHERE b.book = l.district AND b.level = 'district')
    UNION ALL
    SELECT l.item, 'posting', 'allocation-fund-differs', l.leg_no, '{}' FROM leg l
    WHERE l.line_fund IS NOT NULL AND (l.fund_code IS DISTINCT FROM l.line_fund OR l.fiscal_year IS DISTINCT FROM l.line_year)
    UNION ALL
    SELECT l.item, 'posting', 'allocation-reused', l.leg_no, '{}' FROM leg l
    WHERE l.allocation_id IS NULL OR EXISTS (SELECT FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0)
       OR EXISTS (SELECT FROM allocation a WHERE a.book = l.district AND a.allocation_id = l.allocation_id OFFSET 0)
    UNION ALL
    SELECT l.item, 'posting', 'village-not-listed', l.leg_no, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.basis = 'village_standard' AND NOT EXISTS (SELECT FROM village_list_current v WHERE v.book = l.district
        AND v.fund_code = l.line_fund AND v.fiscal_year = l.line_year AND v.village_code = l.village_code)
    UNION ALL
    SELECT l.item, 'posting', 'village-above-standard', l.leg_no, jsonb_build_object('village_code', l.village_code, 'standard', l.standard) FROM leg l
    WHERE l.basis = 'village_standard' AND l.exception_document_no IS NULL AND l.amount > coalesce(l.standard, 0)
    UNION ALL
    SELECT l.item, 'posting', 'village-already-allocated', l.leg_no, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.village_code IS NOT NULL AND l.exception_document_no IS NULL AND (l.turn > 1 OR EXISTS (SELECT FROM allocation a WHERE a.book = l.book
        AND a.fund_code = l.line_fund AND a.fiscal_year = l.line_year AND a.village_code = l.village_code AND a.supplementary_document_no IS NULL OFFSET 0))
$$;

-- Releases: block money (切块下达) names no project; only next year's money is released early.
CREATE FUNCTION gate_check_release(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS (
        SELECT l.item, l.leg_no, l.project_id, w.release_kind, l.effective_on, l.fiscal_year
        FROM unnest(p_legs) l JOIN unnest(p_work) w ON w.item = l.item WHERE l.entry_kind = 'release' AND l.side = 1)
    SELECT l.item, 'funds', 'release-names-project', l.leg_no, '{}'::jsonb FROM leg l WHERE l.project_id IS NOT NULL
    UNION ALL
    SELECT l.item, 'posting', 'release-kind-missing', l.leg_no, '{}' FROM leg l WHERE l.release_kind IS NULL
    UNION ALL
    SELECT l.item, 'posting', 'release-kind-wrong', l.leg_no, jsonb_build_object('fiscal_year', l.fiscal_year) FROM leg l
    WHERE (l.release_kind = 'early') IS DISTINCT FROM (l.fiscal_year > extract(year FROM l.effective_on))
      AND l.release_kind IS NOT NULL AND l.fiscal_year IS NOT NULL
$$;

CREATE VIEW declared_figure_current AS
    SELECT DISTINCT ON (book, fund_code, fiscal_year) * FROM declared_figure ORDER BY book, fund_code, fiscal_year, version DESC;

CREATE VIEW floor_test AS                    -- M03, M04: the floor (rounded up to the fen), what was adopted, what is missing
    SELECT d.book, d.fund_code, d.fiscal_year, d.amount AS declared, d.is_final, d.document_no,
           (d.amount * p.percent + 99) / 100 AS floor_amount, o.adopted,
           greatest((d.amount * p.percent + 99) / 100 - o.adopted, 0) AS shortfall
    FROM declared_figure_current d
    JOIN fund f ON f.fund_code = d.fund_code
    CROSS JOIN LATERAL (SELECT parameter_value(f.floor_parameter, make_date(d.fiscal_year, 1, 1)) AS percent) p
    CROSS JOIN LATERAL (SELECT coalesce(sum(b.given - b.received), 0)::bigint AS adopted FROM allocation a
        JOIN account c ON c.book = a.book AND c.allocation_id = a.allocation_id AND c.account_kind = 'budget_source'
        JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
        WHERE a.book = d.book AND a.fund_code = d.fund_code AND a.fiscal_year = d.fiscal_year) o;

-- M03, M04: the district's own money, at least the floor over the declared figure unless a document says why not.
CREATE FUNCTION gate_check_adopt_own(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT w.item, l.*, w.exception_document_no, w.effective_on, f.origin, f.floor_parameter
        FROM unnest(p_work) w
        CROSS JOIN LATERAL (SELECT * FROM instruction_leg l WHERE w.entry_kind = 'adopt_own' AND l.book = w.book AND l.instruction_id = w.instruction_id OFFSET 0) l
        LEFT JOIN fund f ON f.fund_code = l.fund_code
    ), own AS (
        SELECT l.item, l.book, l.fund_code, l.fiscal_year, l.floor_parameter, l.exception_document_no, sum(l.amount) AS asked
        FROM leg l GROUP BY 1, 2, 3, 4, 5, 6)
    SELECT l.item, 'posting', 'fund-not-of-this-level', l.leg_no, jsonb_build_object('fund_code', l.fund_code) FROM leg l WHERE l.origin IS DISTINCT FROM 'district'
    UNION ALL
    SELECT l.item, 'posting', 'allocation-reused', l.leg_no, '{}' FROM leg l
    WHERE l.allocation_id IS NULL OR EXISTS (SELECT FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id)
    UNION ALL
    SELECT o.item, 'posting', 'declared-figure-missing', NULL, jsonb_build_object('fund_code', o.fund_code, 'fiscal_year', o.fiscal_year)
    FROM own o LEFT JOIN declared_figure_current d ON d.book = o.book AND d.fund_code = o.fund_code AND d.fiscal_year = o.fiscal_year
    WHERE o.floor_parameter IS NOT NULL AND d.amount IS NULL
    UNION ALL
    SELECT o.item, 'posting', 'below-floor', NULL, jsonb_build_object('fund_code', o.fund_code, 'floor', f.floor_amount, 'shortfall', f.floor_amount - f.adopted - o.asked)
    FROM own o JOIN floor_test f ON f.book = o.book AND f.fund_code = o.fund_code AND f.fiscal_year = o.fiscal_year
    WHERE o.exception_document_no IS NULL AND f.adopted + o.asked < f.floor_amount
$$;

-- A project is funded only from its district's library, approved, with a performance target (M07, M08, M10).
CREATE FUNCTION gate_check_fund(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT l.item, l.leg_no, l.effective_on, l.fiscal_year, l.village_code, p.status, p.performance_target, p.village_code AS project_village
        FROM unnest(p_legs) l
        LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = l.book AND p.project_id = l.project_id ORDER BY p.version DESC LIMIT 1) p ON true
        WHERE l.entry_kind = 'fund')
    SELECT l.item, 'projects', 'project-not-in-library', l.leg_no, '{}'::jsonb FROM leg l WHERE l.status IS NULL
    UNION ALL
    SELECT l.item, 'projects', 'project-not-approved', l.leg_no, '{}' FROM leg l WHERE l.status <> 'approved'
    UNION ALL
    SELECT l.item, 'projects', 'project-without-target', l.leg_no, '{}' FROM leg l WHERE l.performance_target = ''
    UNION ALL
    SELECT l.item, 'funds', 'year-not-begun', l.leg_no, jsonb_build_object('fiscal_year', l.fiscal_year) FROM leg l
    WHERE l.fiscal_year > extract(year FROM l.effective_on)
    UNION ALL
    SELECT l.item, 'funds', 'money-of-another-village', l.leg_no, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.village_code <> l.project_village
$$;

-- How much of what an account received before a point was taken back out again by undoing (holes in its queue).
CREATE FUNCTION undone_before_lot(p_book bigint, p_account uuid, p_before bigint) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(u.amount), 0)::bigint FROM transfer u
    JOIN transfer t ON t.book = u.book AND t.entry_id = u.undoes_entry_id AND t.line_no = u.undoes_line_no
    WHERE u.book = p_book AND u.credit_account = p_account AND u.undoes_entry_id IS NOT NULL AND t.debit_before < p_before
$$;

-- Undoing: what may be undone, at most once over, not before it was done, and not where the money has gone on (spent-downstream).
CREATE FUNCTION gate_check_undo(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT l.*, o.entry_kind AS original_kind, o.effective_on AS original_on, o.crossing_id, t.debit_before AS lot_before,
               t.undoes_entry_id AS original_undoes
        FROM unnest(p_legs) l
        CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = l.book AND t.entry_id = l.undoes_entry_id AND t.line_no = l.undoes_line_no OFFSET 0) t
        CROSS JOIN LATERAL (SELECT * FROM entry o WHERE o.book = t.book AND o.entry_id = t.entry_id OFFSET 0) o
        WHERE l.undoes_entry_id IS NOT NULL)
    SELECT l.item, 'posting', 'undo-of-undo', l.leg_no, '{}'::jsonb FROM leg l WHERE l.original_undoes IS NOT NULL AND l.side = 1
    UNION ALL
    SELECT l.item, 'posting', 'undo-kind', l.leg_no, jsonb_build_object('kind', l.original_kind) FROM leg l
    WHERE l.original_undoes IS NULL AND l.side = 1 AND (l.entry_kind = 'return') <> (l.original_kind = 'pay')
    UNION ALL
    SELECT l.item, 'management', 'undo-of-another-office', l.leg_no, jsonb_build_object('kind', l.original_kind) FROM leg l
    JOIN unnest(p_work) w ON w.item = l.item
    JOIN entry_kind k ON k.entry_kind = l.original_kind
    WHERE l.side = 1 AND EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
        WHERE s.book = w.book AND s.staff_id IN (w.maker_id, w.actor_id) AND u.kind <> ALL (k.maker_units))
    UNION ALL
    SELECT l.item, 'posting', 'undo-of-crossing-by-district', l.leg_no, '{}' FROM leg l JOIN book b ON b.book = l.book
    WHERE l.side = 1 AND l.crossing_id IS NOT NULL AND b.level = 'district'
    UNION ALL
    SELECT l.item, 'posting', 'undo-exceeds', l.leg_no, jsonb_build_object('remaining', greatest(l.undoes_amount - l.undoes_before, 0)) FROM leg l
    WHERE l.side = 1 AND l.undoes_before + l.amount > l.undoes_amount
    UNION ALL
    SELECT l.item, 'posting', 'undo-before-original', l.leg_no, jsonb_build_object('original_on', l.original_on) FROM leg l
    WHERE l.side = 1 AND l.effective_on < l.original_on
    UNION ALL
    SELECT l.item, 'posting', 'spent-downstream', l.leg_no, jsonb_build_object('unspent', u.unspent) FROM leg l
    CROSS JOIN LATERAL (SELECT greatest(l.undoes_amount - l.undoes_before
        - greatest(l.spent_before - (l.lot_before - undone_before_lot(l.book, l.credit_account, l.lot_before)), 0), 0) AS unspent) u
    WHERE l.spent_before > 0 AND l.amount > u.unspent AND l.undoes_before + l.amount <= l.undoes_amount
    UNION ALL
    SELECT l.item, 'posting', 'return-without-bank-result', l.leg_no, '{}' FROM leg l
    WHERE l.entry_kind = 'return' AND NOT EXISTS (SELECT FROM bank_result r WHERE r.book = l.book AND r.entry_id = l.undoes_entry_id
        AND r.line_no = l.undoes_line_no AND r.outcome = 'returned')
$$;
