-- The gate: 项目到区 (see 0001/65_).

-- 项目到区: a project of this district's library, approved by this district, with a target, its notice up long enough.
CREATE OR REPLACE FUNCTION gate_check_projects(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_days(y.book, y.project_id, 'project', y.effective_on) AS days,
               parameter_value('publicity_days_project', y.effective_on) AS days_needed
        FROM unnest(p_work) y WHERE y.is_payment AND NOT y.outside_five)
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
