-- The gate: 招投标到区 and 管理到区 (see 0001/65_). The records stand in 40_procurement.sql and 42_management.sql.

-- The procurement that a payment pays: the one its list names, or else the only one the project ever had, so that it stays
-- the one for which contract_paid counts the list.
CREATE FUNCTION gate_procurement(p_book bigint, p_project uuid, p_named uuid) RETURNS procurement
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_row procurement;
    v_all uuid[];
BEGIN
    IF p_named IS NULL THEN
        v_all := ARRAY(SELECT DISTINCT c.procurement_id FROM (SELECT * FROM procurement c WHERE c.book = p_book AND c.project_id = p_project OFFSET 0) c);
        IF cardinality(v_all) <> 1 OR v_all <> live_procurements(p_book, p_project) THEN
            RETURN NULL;
        END IF;
        p_named := v_all[1];
    END IF;
    SELECT * INTO v_row FROM procurement c WHERE c.book = p_book AND c.procurement_id = p_named ORDER BY c.version DESC LIMIT 1;
    RETURN v_row;
END $$;

-- Whether the awardee of a competition has a bid that stands. Records of the first revision came without bids.
CREATE FUNCTION gate_award_has_bid(p_row procurement) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN p_row.method NOT IN ('open', 'invited', 'negotiation', 'inquiry')
        OR (SELECT c.stage IS NULL FROM procurement c WHERE c.book = p_row.book AND c.procurement_id = p_row.procurement_id AND c.version = 1)
        OR EXISTS (SELECT FROM (SELECT DISTINCT ON (b.bid_id) b.* FROM (SELECT * FROM bid b WHERE b.procurement_id = p_row.procurement_id AND b.book = p_row.book OFFSET 0) b
                                ORDER BY b.bid_id, b.version DESC) b
                   WHERE b.bidder_id = p_row.awardee_id AND b.status = 'valid');
END $$;

-- 招投标到区: an award (payee is the awardee, paid at most the contract and its changes) or an exemption that fits. What was
-- paid is looked up only where something is compared with it: most payments to households have no limit here.
CREATE OR REPLACE FUNCTION gate_check_tendering(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.item, y.book, y.instruction_id, y.project_id, y.project_category, y.payee_kind, y.effective_on, y.total, y.procurement_id AS named,
               c AS record, (c).procurement_id AS found, (c).project_id AS found_project, (c).method, coalesce((c).stage, 'contracted') AS stage,
               (c).awardee_id, (c).evidence_sha256, (c).exemption_code, e.categories, e.payee_kinds, e.limit_parameter,
               parameter_value(e.limit_parameter, y.effective_on) AS exemption_limit, procurement_day(c, y.effective_on) AS decided_on,
               CASE WHEN (c).method <> 'exempt' OR e.limit_parameter IS NOT NULL THEN contract_paid(y.book, (c).procurement_id) ELSE 0 END AS paid,
               CASE WHEN (c).method <> 'exempt' THEN contract_sum(y.book, (c).procurement_id) END AS contract
        FROM unnest(p_work) y
        CROSS JOIN LATERAL (SELECT gate_procurement(y.book, y.project_id, y.procurement_id) AS c OFFSET 0) p
        LEFT JOIN exemption_rule e ON e.exemption_code = (c).exemption_code
        WHERE y.is_payment AND NOT y.outside_five
    ), run AS MATERIALIZED (
        SELECT y.*, (y.paid + sum(y.total) OVER (PARTITION BY y.book, y.found ORDER BY y.item))::bigint AS paid_after FROM pay y WHERE y.found IS NOT NULL
    ), must AS MATERIALIZED (
        SELECT y.*, CASE WHEN y.method IN ('negotiation', 'inquiry', 'single_source') OR y.exemption_code = 'below_threshold'
                         THEN tender_required(y.record, y.paid_after, y.decided_on) END AS tender,
               CASE WHEN y.limit_parameter IS NOT NULL THEN (SELECT m.estimate FROM merged_estimate(y.book, (y.record).project_id,
                    (y.record).main_procurement_category, (y.record).lot_group, y.found) m) END AS other_lots
        FROM run y)
    SELECT y.item, 'tendering', CASE WHEN y.named IS NULL AND cardinality(live_procurements(y.book, y.project_id)) > 0
                                     THEN 'procurement-not-named' ELSE 'procurement-missing' END, NULL::integer, '{}'::jsonb
    FROM pay y WHERE y.found IS NULL
    UNION ALL
    SELECT y.item, 'tendering', 'procurement-of-another-project', NULL, '{}' FROM pay y WHERE y.found_project IS DISTINCT FROM y.project_id AND y.found IS NOT NULL
    UNION ALL
    SELECT y.item, 'tendering', 'contract-not-signed', NULL, jsonb_build_object('stage', y.stage) FROM pay y
    WHERE y.found IS NOT NULL AND (y.stage <> 'contracted' OR (y.record).signed_on > y.effective_on)
    UNION ALL
    SELECT y.item, 'tendering', 'tender-required', NULL, y.tender FROM must y WHERE y.method <> 'exempt' AND y.tender IS NOT NULL
    UNION ALL
    SELECT y.item, 'tendering', 'award-without-bid', NULL, '{}' FROM pay y WHERE y.stage = 'contracted' AND NOT gate_award_has_bid(y.record)
    UNION ALL
    SELECT y.item, 'tendering', 'payee-not-awardee', NULL, '{}' FROM pay y
    WHERE y.method <> 'exempt' AND y.stage = 'contracted' AND EXISTS (SELECT FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id
        AND l.payee_id IS DISTINCT FROM y.awardee_id OFFSET 0)
    UNION ALL
    SELECT y.item, 'tendering', 'contract-exceeded', NULL, jsonb_build_object('contract', y.contract, 'excess', y.paid_after - y.contract) FROM run y
    WHERE y.method <> 'exempt' AND y.paid_after > y.contract
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-not-allowed', NULL, jsonb_build_object('category', y.project_category) FROM pay y
    WHERE y.method = 'exempt' AND (NOT ('*' = ANY (y.categories) OR y.project_category = ANY (y.categories))
        OR NOT ('*' = ANY (y.payee_kinds) OR y.payee_kind = ANY (y.payee_kinds)))
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-limit-exceeded', NULL, jsonb_build_object('limit', least(coalesce(y.exemption_limit, 0), (y.tender ->> 'threshold')::bigint))
    FROM must y
    WHERE y.method = 'exempt' AND y.limit_parameter IS NOT NULL
      AND (y.other_lots + greatest((y.record).estimate, y.paid_after) > coalesce(y.exemption_limit, 0) OR y.tender IS NOT NULL)
    UNION ALL
    SELECT y.item, 'tendering', 'exemption-without-evidence', NULL, '{}' FROM pay y WHERE y.method = 'exempt' AND y.evidence_sha256 IS NULL
$$;

-- 管理到区: a managing unit; for an organisation a reviewed claim (报账), no more than the accepted progress of the contract
-- (or of an exemption's estimate), less the retention until it is released; acceptance before the final payment. An advance
-- needs none of these but the unit: its settlement does.
CREATE OR REPLACE FUNCTION gate_check_management(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.* FROM unnest(p_work) y WHERE y.is_payment AND NOT y.outside_five
    ), last AS (                -- final payments to households and persons
        SELECT y.item, finally_accepted_on(y.book, y.project_id, (c).procurement_id, y.effective_on) AS accepted_on
        FROM pay y
        CROSS JOIN LATERAL (SELECT gate_procurement(y.book, y.project_id, y.procurement_id) AS c OFFSET 0) p
        WHERE y.is_final AND y.entry_kind = 'pay' AND y.payee_kind <> 'organisation'
    ), bill AS MATERIALIZED (   -- payments to organisations
        SELECT y.item, y.book, y.instruction_id, y.project_id, y.effective_on, y.total, y.is_final, (c).procurement_id AS found, (c).method, (c).retention_percent,
               CASE (c).method WHEN 'exempt' THEN (c).estimate ELSE contract_sum(y.book, (c).procurement_id) END AS contract,
               contract_paid(y.book, (c).procurement_id) AS paid,
               accepted_percent(y.book, y.project_id, (c).procurement_id, y.effective_on) AS percent,
               finally_accepted_on(y.book, y.project_id, (c).procurement_id, y.effective_on) AS accepted_on,
               k.claim_id, k.amount AS claimed, r.decision, CASE WHEN k.claim_id IS NOT NULL THEN claim_paid(y.book, k.claim_id) END AS claim_paid,
               (k.project_id, k.procurement_id) IS DISTINCT FROM (y.project_id, (c).procurement_id)
                   OR EXISTS (SELECT FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id AND l.payee_id <> k.payee_id) AS strays
        FROM pay y
        CROSS JOIN LATERAL (SELECT gate_procurement(y.book, y.project_id, y.procurement_id) AS c OFFSET 0) p
        LEFT JOIN LATERAL (SELECT * FROM reimbursement_claim k WHERE k.book = y.book AND k.claim_id = y.claim_id OFFSET 0) k ON true
        LEFT JOIN LATERAL (SELECT r.decision FROM claim_review r WHERE r.book = y.book AND r.claim_id = y.claim_id OFFSET 0) r ON true
        WHERE y.payee_kind = 'organisation' AND y.entry_kind = 'pay'
    ), run AS MATERIALIZED (
        SELECT b.*, (b.paid + sum(b.total) OVER (PARTITION BY b.book, b.found ORDER BY b.item))::bigint AS paid_after,
               (b.claim_paid + sum(b.total) OVER (PARTITION BY b.book, b.claim_id ORDER BY b.item))::bigint AS claim_after,
               accepted_earned(b.book, b.project_id, b.found, b.effective_on, b.contract) AS earned,
               b.accepted_on + parameter_value('retention_release_days', b.effective_on)::integer AS release_on
        FROM bill b
    ), held AS (                -- what is retained is a part of the contract, or of the amount accepted in the end if that is less
        SELECT y.*, div((CASE WHEN y.percent = 100 THEN y.earned ELSE y.contract END)::numeric * (100 - y.retention_percent), 100)::bigint AS unretained
        FROM run y)
    SELECT y.item, 'management', 'managing-unit-missing', NULL::integer, '{}'::jsonb FROM pay y WHERE y.in_library AND y.managing_unit_id IS NULL
    UNION ALL
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM last y WHERE y.accepted_on IS NULL
    UNION ALL   -- whoever says that a payment is not the last: the one that fills the contract is
    SELECT y.item, 'management', 'acceptance-missing', NULL, '{}' FROM run y
    WHERE (y.is_final OR (y.method <> 'exempt' AND y.paid_after = y.contract)) AND y.accepted_on IS NULL
    UNION ALL
    SELECT y.item, 'management', 'ahead-of-progress', NULL, jsonb_build_object('percent', coalesce(y.percent, 0), 'earned', y.earned, 'excess', y.paid_after - y.earned)
    FROM run y WHERE y.found IS NOT NULL AND y.paid_after > y.earned AND (y.method = 'exempt' OR y.earned < y.contract)
    UNION ALL
    SELECT y.item, 'management', 'retention-held', NULL, jsonb_strip_nulls(jsonb_build_object('retention_percent', y.retention_percent, 'release_on', y.release_on,
        'limit', y.unretained))
    FROM held y WHERE y.method <> 'exempt' AND y.retention_percent > 0 AND y.paid_after > y.unretained AND (y.effective_on >= y.release_on) IS NOT TRUE
    UNION ALL
    SELECT y.item, 'management', 'claim-missing', NULL, '{}' FROM run y WHERE y.claim_id IS NULL
    UNION ALL
    SELECT y.item, 'management', 'claim-not-reviewed', NULL, '{}' FROM run y WHERE y.claim_id IS NOT NULL AND y.decision IS DISTINCT FROM 'approved'
    UNION ALL
    SELECT y.item, 'management', 'claim-of-another-payment', NULL, '{}' FROM run y WHERE y.claim_id IS NOT NULL AND y.found IS NOT NULL AND y.strays
    UNION ALL
    SELECT y.item, 'management', 'claim-exceeded', NULL, jsonb_build_object('claimed', y.claimed, 'excess', y.claim_after - y.claimed) FROM run y
    WHERE y.claim_id IS NOT NULL AND y.claim_after > y.claimed
$$;
