-- The gate: 项目到区 (see 0001/65_), for payments and for the funding of a project.

-- How long a subject's notices were up by a day, level by level: those that showed the amount, and those that did not.
CREATE FUNCTION notice_standing(p_book bigint, p_subject uuid, p_kind text, p_on date, p_amount bigint)
RETURNS TABLE (level text, days integer, days_differ integer, published bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT c.level, max(x.days) FILTER (WHERE c.amount = p_amount), max(x.days) FILTER (WHERE c.amount <> p_amount),
                        max(c.amount) FILTER (WHERE c.amount <> p_amount)
        FROM notice c CROSS JOIN LATERAL (SELECT least(c.published_to, p_on) - c.published_from + 1 AS days) x
        WHERE c.book = p_book AND c.subject_id = p_subject AND c.subject_kind = p_kind
          AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id)
        GROUP BY c.level;
END $$;

-- A project of a village is published there, in its township and by its district; a district's own by the district.
CREATE FUNCTION project_levels(p_village text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_village IS NULL THEN '{district}'::text[] ELSE '{village,township,district}'::text[] END
$$;

-- 项目到区: a project of this district's library, approved by this district, with a target and indicators, in the
-- countryside and of no forbidden size (N6, N8), its notices up long enough at each level and nobody's objection open.
CREATE OR REPLACE FUNCTION gate_check_projects(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.item, y.book, y.project_id, y.effective_on, y.in_library, y.programme_code, v.status, v.performance_target,
               v.programme_code AS project_programme, v.village_code, v.planned_amount, v.location_kind,
               project_too_large(v.nature, v.planned_amount, v.planned_start) AS too_large, i.found AS has_indicator,
               objection_stands(y.book, y.project_id) AS objected
        FROM unnest(p_work) y
        LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = y.book AND p.project_id = y.project_id ORDER BY p.version DESC LIMIT 1) v ON true
        LEFT JOIN LATERAL (SELECT true AS found FROM project_indicator i WHERE i.book = v.book AND i.project_id = v.project_id
                           AND i.version = v.proposed_version LIMIT 1) i ON true
        WHERE y.is_payment AND NOT y.outside_five
    ), up AS MATERIALIZED (
        SELECT y.item, k.level, parameter_value('publicity_days_' || k.level, y.effective_on) AS days_needed, n.days, n.days_differ, n.published,
               y.planned_amount
        FROM pay y CROSS JOIN LATERAL unnest(project_levels(y.village_code)) k (level)
        LEFT JOIN LATERAL (SELECT * FROM notice_standing(y.book, y.project_id, 'project', y.effective_on, y.planned_amount) OFFSET 0) n ON n.level = k.level
        WHERE y.in_library
    ), short AS (
        SELECT u.*, (u.days_differ >= u.days_needed) IS TRUE AS differs FROM up u WHERE (u.days >= u.days_needed) IS NOT TRUE)
    SELECT y.item, 'projects', 'project-not-in-library', NULL::integer, '{}'::jsonb FROM pay y WHERE NOT y.in_library
    UNION ALL
    SELECT y.item, 'projects', 'project-not-approved', NULL, jsonb_build_object('status', y.status) FROM pay y
    WHERE y.in_library AND y.status <> 'approved'
    UNION ALL
    SELECT y.item, 'projects', 'project-without-target', NULL, '{}' FROM pay y
    WHERE y.in_library AND (y.performance_target = '' OR y.has_indicator IS NULL)
    UNION ALL
    SELECT y.item, 'projects', 'project-of-another-programme', NULL, jsonb_build_object('programme_code', y.project_programme) FROM pay y
    WHERE y.in_library AND y.project_programme <> y.programme_code
    UNION ALL
    SELECT y.item, 'projects', 'project-urban', NULL, '{}' FROM pay y WHERE y.location_kind = 'urban'
    UNION ALL
    SELECT y.item, 'projects', 'project-too-large', NULL, '{}' FROM pay y WHERE y.too_large
    UNION ALL
    SELECT s.item, 'projects', 'project-not-published', NULL,
           jsonb_build_object('level', s.level, 'days', coalesce(s.days, 0), 'days_needed', s.days_needed) FROM short s WHERE NOT s.differs
    UNION ALL
    SELECT s.item, 'projects', 'published-amount-differs', NULL,
           jsonb_build_object('level', s.level, 'published', s.published, 'total', s.planned_amount) FROM short s WHERE s.differs
    UNION ALL
    SELECT y.item, 'projects', 'objection-open', NULL, '{}' FROM pay y WHERE y.objected
$$;

-- A project is funded only from its district's library, approved, with target and indicators, in the countryside (M07, M08,
-- M10, N6, N8); only from the sources it was approved with, and from each up to its planned amount (M13). Fundings of one
-- project wait for each other and for its versions, so that two can't exceed a source together, nor one meet its leaving.
CREATE OR REPLACE FUNCTION gate_check_fund(p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM library_lock(m.book, m.project_id)
    FROM (SELECT DISTINCT l.book, l.project_id FROM unnest(p_legs) l
          WHERE l.entry_kind = 'fund' AND l.project_id IS NOT NULL ORDER BY 1, 2) m;
    RETURN QUERY
    WITH leg AS MATERIALIZED (
        SELECT l.item, l.leg_no, l.book, l.project_id, l.amount, l.effective_on, l.fiscal_year, l.village_code, p.status, p.performance_target,
               p.village_code AS project_village, p.location_kind, p.proposed_version, a.fund_code,
               project_too_large(p.nature, p.planned_amount, p.planned_start) AS too_large,
               EXISTS (SELECT FROM project_indicator i WHERE i.book = p.book AND i.project_id = p.project_id AND i.version = p.proposed_version) AS has_indicator
        FROM unnest(p_legs) l
        LEFT JOIN LATERAL (SELECT * FROM project p WHERE p.book = l.book AND p.project_id = l.project_id ORDER BY p.version DESC LIMIT 1) p ON true
        LEFT JOIN LATERAL (SELECT * FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a ON true
        WHERE l.entry_kind = 'fund'
    ), source AS (
        SELECT l.book, l.project_id, l.fund_code, l.proposed_version, max(l.item) AS item, sum(l.amount) AS asked
        FROM leg l WHERE l.status IS NOT NULL AND l.fund_code IS NOT NULL GROUP BY 1, 2, 3, 4
    ), planned AS (
        SELECT s.*, f.amount AS planned, s.asked + project_money(s.book, s.project_id, '{available,advanced,paid}', s.fund_code) AS funded
        FROM source s
        LEFT JOIN LATERAL (SELECT f.amount FROM project_financing f WHERE f.book = s.book AND f.project_id = s.project_id
                           AND f.version = s.proposed_version AND f.fund_code = s.fund_code OFFSET 0) f ON true)
    SELECT l.item, 'projects', 'project-not-in-library', l.leg_no, '{}'::jsonb FROM leg l WHERE l.status IS NULL
    UNION ALL
    SELECT l.item, 'projects', 'project-not-approved', l.leg_no, '{}' FROM leg l WHERE l.status <> 'approved'
    UNION ALL
    SELECT l.item, 'projects', 'project-without-target', l.leg_no, '{}' FROM leg l
    WHERE l.status IS NOT NULL AND (l.performance_target = '' OR NOT l.has_indicator)
    UNION ALL
    SELECT l.item, 'projects', 'project-urban', l.leg_no, '{}' FROM leg l WHERE l.location_kind = 'urban'
    UNION ALL
    SELECT l.item, 'projects', 'project-too-large', l.leg_no, '{}' FROM leg l WHERE l.too_large
    UNION ALL
    SELECT s.item, 'projects', 'fund-not-in-financing', NULL::integer, jsonb_build_object('fund_code', s.fund_code) FROM planned s WHERE s.planned IS NULL
    UNION ALL
    SELECT s.item, 'projects', 'financing-exceeded', NULL::integer,
           jsonb_build_object('fund_code', s.fund_code, 'planned', s.planned, 'excess', s.funded - s.planned) FROM planned s WHERE s.funded > s.planned
    UNION ALL
    SELECT l.item, 'funds', 'year-not-begun', l.leg_no, jsonb_build_object('fiscal_year', l.fiscal_year) FROM leg l
    WHERE l.fiscal_year > extract(year FROM l.effective_on)
    UNION ALL
    SELECT l.item, 'funds', 'money-of-another-village', l.leg_no, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.village_code <> l.project_village;
END $$;
