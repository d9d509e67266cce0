-- The gate: advances, their settlement, and prepaid releases (先预拨后清算).

CREATE FUNCTION gate_check_advances(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT y.item, 'posting', 'past-year-money', NULL::integer, '{}'::jsonb FROM unnest(p_work) y WHERE false
$$;

CREATE FUNCTION gate_check_settlements(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT y.item, 'posting', 'past-year-money', NULL::integer, '{}'::jsonb FROM unnest(p_work) y WHERE false
$$;
