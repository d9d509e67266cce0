-- The gate: the year's turn: virement (调剂), recovery (收回), defunding (调回), carry-over (结转), surplus (结余), and what a
-- closed year still allows. That the money is there, gate_check_balances says; that months are open, gate_check_periods.
--
-- A closed year (year_close) is frozen by its closed months, which take no effective day, and by the last check here: no
-- reversal moves money of the accounts it was executed in. What comes back late (退票, an advance's remainder) still arrives
-- there, and leaves by re-issue, defunding, carry-over, recovery or surplus.

CREATE OR REPLACE FUNCTION gate_check_year(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT l.item, l.leg_no, l.book, l.instruction_id, l.entry_kind, l.effective_on, l.allocation_id, l.to_allocation_id, l.project_id, l.named_year,
               w.exception_document_no, a.origin_book, a.fund_code, a.fiscal_year, t.fund_code AS to_fund, t.fiscal_year AS to_year,
               t.district AS to_district, t.village_code AS to_village, extract(year FROM l.effective_on)::integer AS this_year,
               jsonb_build_object('fiscal_year', a.fiscal_year, 'surplus_on', s.day) AS age, l.effective_on >= s.day AS is_surplus
        FROM unnest(p_legs) l
        JOIN unnest(p_work) w ON w.item = l.item
        LEFT JOIN LATERAL (SELECT * FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a ON true
        LEFT JOIN LATERAL (SELECT * FROM allocation t WHERE t.book = l.book AND t.allocation_id = l.to_allocation_id OFFSET 0) t ON true
        CROSS JOIN LATERAL (SELECT surplus_on(a.fiscal_year, l.effective_on) AS day) s
        WHERE l.side = 1 AND l.entry_kind IN ('virement', 'recover', 'defund', 'carry_over', 'surplus', 'surplus_own', 'release'))
    -- A leg says what its kind reads and no more: an approver must not sign what moves nothing.
    SELECT l.item, 'posting', 'leg-says-too-much', l.leg_no, jsonb_build_object('fields', x.fields) FROM leg l
    CROSS JOIN LATERAL (SELECT * FROM instruction_leg g WHERE g.book = l.book AND g.instruction_id = l.instruction_id AND g.leg_no = l.leg_no OFFSET 0) g
    CROSS JOIN LATERAL (SELECT string_agg(v.name, ', ') AS fields FROM (VALUES
        ('budget_line_id', g.budget_line_id IS NOT NULL), ('fund_code', g.fund_code IS NOT NULL), ('fiscal_year', g.fiscal_year IS NOT NULL),
        ('district', g.district IS NOT NULL), ('village_code', g.village_code IS NOT NULL),
        ('allocation_document_no', g.allocation_document_no IS NOT NULL), ('payee_id', g.payee_id IS NOT NULL),
        ('settles', num_nonnulls(g.settles_entry_id, g.settles_line_no) > 0),
        ('to_allocation_id', g.to_allocation_id IS NOT NULL AND l.entry_kind <> 'virement'),
        ('project_id', g.project_id IS NOT NULL AND l.entry_kind NOT IN ('defund', 'carry_over'))) v (name, given) WHERE v.given) x
    WHERE l.entry_kind <> 'release' AND x.fields IS NOT NULL
    UNION ALL
    SELECT l.item, 'posting', v.code, l.leg_no, v.params FROM leg l
    CROSS JOIN LATERAL (VALUES
        (l.to_fund IS NULL, 'allocation-not-found', '{}'::jsonb),
        (l.to_allocation_id = l.allocation_id, 'virement-to-itself', '{}'),
        ((l.to_fund, l.to_year) <> (l.fund_code, l.fiscal_year), 'virement-differs',
         jsonb_build_object('fund_code', l.fund_code, 'fiscal_year', l.fiscal_year)),
        (EXISTS (SELECT FROM fund f WHERE f.fund_code = l.to_fund AND f.basis = 'village_standard')
         AND NOT EXISTS (SELECT FROM village_list_current v WHERE v.book = l.to_district AND v.fund_code = l.to_fund
            AND v.fiscal_year = l.to_year AND v.village_code = l.to_village), 'village-not-listed',
         jsonb_build_object('village_code', l.to_village))) v (broken, code, params)
    WHERE l.entry_kind = 'virement' AND v.broken
    UNION ALL
    SELECT w.item, 'posting', 'virement-without-document', NULL, '{}' FROM unnest(p_work) w
    WHERE w.entry_kind = 'virement' AND w.exception_document_no IS NULL
    UNION ALL
    SELECT l.item, 'projects', 'project-not-in-library', l.leg_no, '{}' FROM leg l
    WHERE l.entry_kind IN ('defund', 'carry_over') AND l.project_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM project p WHERE p.book = l.book AND p.project_id = l.project_id OFFSET 0)
    UNION ALL
    SELECT l.item, 'posting', v.code, l.leg_no, v.params FROM leg l
    CROSS JOIN LATERAL (VALUES
        (l.named_year IS NULL, 'carry-over-year-missing', '{}'::jsonb),
        (l.named_year >= l.this_year, 'carry-over-year-wrong', jsonb_build_object('exec_year', l.named_year, 'effective_on', l.effective_on)),
        (l.fiscal_year > l.named_year, 'carry-over-not-needed', jsonb_build_object('fiscal_year', l.fiscal_year, 'exec_year', l.named_year)),
        (l.is_surplus, 'surplus-not-carried', l.age)) v (broken, code, params)
    WHERE l.entry_kind = 'carry_over' AND v.broken
    UNION ALL
    SELECT l.item, 'posting', 'surplus-not-own', l.leg_no, '{}' FROM leg l
    WHERE l.entry_kind = 'surplus_own' AND l.origin_book <> l.book
    UNION ALL   -- earlier only by the document that orders it
    SELECT l.item, 'posting', 'surplus-not-due', l.leg_no, l.age FROM leg l
    WHERE l.entry_kind IN ('surplus', 'surplus_own') AND l.fiscal_year IS NOT NULL AND l.is_surplus IS NOT TRUE AND l.exception_document_no IS NULL
    UNION ALL   -- or recovering and releasing again would make old money new
    SELECT l.item, 'posting', 'surplus-not-released', l.leg_no, l.age FROM leg l
    WHERE l.entry_kind = 'release' AND l.is_surplus AND l.exception_document_no IS NULL
    UNION ALL
    SELECT DISTINCT l.item, 'posting', 'year-closed', NULL::integer, jsonb_build_object('book', c.book::text, 'fiscal_year', c.fiscal_year)
    FROM unnest(p_legs) l
    CROSS JOIN LATERAL (VALUES (l.credit_account), (l.debit_account)) v (account_id)
    CROSS JOIN LATERAL (SELECT * FROM account a WHERE l.entry_kind = 'reverse' AND a.book = l.book AND a.account_id = v.account_id OFFSET 0) a
    JOIN year_close c ON c.book = a.book AND c.fiscal_year = a.exec_year
    WHERE a.account_kind IN ('executable', 'available', 'advanced', 'paid', 'paid_other')
$$;
