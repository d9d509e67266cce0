-- The gate: 公示 of payment lists (see 0001/65_), in working days; a list that only pays returned lines again was published
-- before. An objection to the list's notice that stands stops every kind of payment.

CREATE FUNCTION gate_check_publicity(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, notice_workdays(y.book, y.instruction_id, 'payment_list', y.effective_on) AS days,
               parameter_value('publicity_workdays_list', y.effective_on) AS days_needed
        FROM unnest(p_work) y WHERE y.is_payment AND NOT y.outside_five AND NOT y.reissues_only)
    SELECT y.item, 'management', 'list-not-published', NULL::integer, jsonb_build_object('days', coalesce(y.days, 0), 'days_needed', y.days_needed) FROM pay y
    WHERE y.payee_kind <> 'organisation' AND (y.days >= y.days_needed) IS NOT TRUE
    UNION ALL
    SELECT y.item, 'management', 'published-amount-differs', NULL, jsonb_build_object('published', c.amount, 'total', y.total) FROM pay y
    CROSS JOIN LATERAL (SELECT * FROM notice c WHERE c.book = y.book AND c.subject_id = y.instruction_id AND c.subject_kind = 'payment_list'
                        AND c.amount <> y.total OFFSET 0) c
    WHERE y.payee_kind <> 'organisation'
      AND c.version = (SELECT max(v.version) FROM notice v WHERE v.book = c.book AND v.notice_id = c.notice_id)
    UNION ALL
    SELECT y.item, 'management', 'objection-open', NULL, '{}' FROM unnest(p_work) y
    WHERE y.is_payment AND NOT y.outside_five AND objection_stands(y.book, y.instruction_id)
$$;
