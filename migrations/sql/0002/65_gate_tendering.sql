-- The gate: 招投标到区 and 管理到区 (see 0001/65_).

-- 招投标到区: an award (payee is the awardee, paid at most the contract and its changes) or an exemption that fits.
CREATE OR REPLACE FUNCTION gate_check_tendering(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.*, c.procurement_id AS found, c.method, c.estimate, c.awardee_id, c.evidence_sha256, c.contract_amount + c.approved_changes AS contract,
               e.categories, e.payee_kinds, parameter_value(e.limit_parameter, y.effective_on) AS exemption_limit, e.limit_parameter,
               (SELECT coalesce(sum(b.balance), 0)::bigint FROM account a
                CROSS JOIN LATERAL (SELECT b.received - b.given AS balance FROM account_balance b
                                    WHERE b.book = a.book AND b.account_id = a.account_id OFFSET 0) b
                WHERE a.book = y.book AND a.project_id = y.project_id AND a.account_kind = 'paid') AS paid
        FROM unnest(p_work) y
        LEFT JOIN LATERAL (SELECT c.* FROM (SELECT * FROM procurement c WHERE c.book = y.book AND c.project_id = y.project_id OFFSET 0) c
            ORDER BY c.procurement_id DESC, c.version DESC LIMIT 1) c ON true
        LEFT JOIN exemption_rule e ON e.exemption_code = c.exemption_code
        WHERE y.is_payment AND NOT y.outside_five
    ), run AS (
        SELECT y.*, y.paid + sum(y.total) OVER (PARTITION BY y.book, y.project_id ORDER BY y.item) AS paid_after FROM pay y)
    SELECT y.item, 'tendering', 'procurement-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.found IS NULL
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
    WHERE y.method <> 'exempt' AND NOT y.is_final AND y.entry_kind = 'pay' AND y.paid_after = y.contract AND NOT gate_accepted(y.book, y.project_id, y.effective_on)
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

-- 管理到区: a managing unit; acceptance before the final payment (an advance needs none, its settlement does).
CREATE OR REPLACE FUNCTION gate_check_management(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.* FROM unnest(p_work) y WHERE y.is_payment AND NOT y.outside_five)
    SELECT y.item, 'management', 'managing-unit-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.in_library AND y.managing_unit_id IS NULL
    UNION ALL
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM pay y
    WHERE y.is_final AND y.entry_kind = 'pay' AND NOT gate_accepted(y.book, y.project_id, y.effective_on)
$$;
