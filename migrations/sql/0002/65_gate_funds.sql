-- The gate: 资金到区, and every line of a list (see 0001/65_).

-- 资金到区: fund and purpose fit. (That the money is there, gate_check_balances says.)
CREATE OR REPLACE FUNCTION gate_check_funds(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (SELECT * FROM unnest(p_work) y WHERE y.is_payment),
    leg AS MATERIALIZED (
        SELECT y.item, y.effective_on, y.project_village, y.project_id AS list_project, l.project_id, l.leg_no, l.fiscal_year, l.village_code
        FROM pay y JOIN unnest(p_legs) l ON l.item = y.item)
    SELECT y.item, 'funds', 'negative-list', NULL::integer, jsonb_build_object('item_code', g.code, 'economic_class', y.economic_class)
    FROM pay y JOIN negative_list g ON y.economic_class LIKE g.economic_class || '%'
    UNION ALL
    SELECT l.item, 'funds', 'year-not-begun', NULL, jsonb_build_object('fiscal_year', l.fiscal_year) FROM leg l
    WHERE l.fiscal_year > extract(year FROM l.effective_on)
    UNION ALL
    SELECT l.item, 'funds', 'money-of-another-village', NULL, jsonb_build_object('village_code', l.village_code) FROM leg l
    WHERE l.village_code <> l.project_village
    UNION ALL
    SELECT l.item, 'projects', 'leg-of-another-project', NULL, '{}' FROM leg l WHERE l.project_id IS DISTINCT FROM l.list_project
    UNION ALL
    SELECT y.item, 'funds', 'programme-payee-kind', NULL, jsonb_build_object('payee_kind', y.payee_kind) FROM pay y
    JOIN programme g ON g.programme_code = y.programme_code AND g.payee_kind <> y.payee_kind
    UNION ALL   -- M41, M43: money outside the five is paid outside the five, and no other is
    SELECT DISTINCT y.item, 'funds', 'fund-not-outside-five', NULL::integer, jsonb_build_object('fund_code', f.fund_code)
    FROM pay y JOIN unnest(p_legs) l ON l.item = y.item
    CROSS JOIN LATERAL (SELECT a.fund_code FROM allocation a WHERE a.book = l.book AND a.allocation_id = l.allocation_id OFFSET 0) a
    JOIN fund f ON f.fund_code = a.fund_code
    WHERE y.outside_five AND NOT f.outside_five
    UNION ALL   -- a past year's account is only paid from where a returned line is paid again
    SELECT DISTINCT y.item, 'funds', 'past-year-money', NULL::integer, jsonb_build_object('exec_year', l.named_year)
    FROM pay y JOIN unnest(p_legs) l ON l.item = y.item
    WHERE l.named_year IS NOT NULL AND EXISTS (SELECT FROM payment_line p WHERE p.book = y.book AND p.instruction_id = y.instruction_id
        AND p.leg_no = l.leg_no AND p.reissues_entry_id IS NULL OFFSET 0)
    UNION ALL   -- the day that decides rosters, statuses and standards is one of the period, and not still to come
    SELECT y.item, 'funds', 'entitlement-outside-period', NULL, jsonb_build_object('period', y.period, 'entitlement_on', y.entitlement_on) FROM pay y
    WHERE NOT (to_char(y.entitlement_on, 'YYYY') = left(y.period, 4)
               AND extract(month FROM y.entitlement_on)::integer <@ period_months(y.period) AND y.entitlement_on <= y.effective_on)
    UNION ALL   -- N3, N5, N9, N10 by payee
    SELECT DISTINCT y.item, 'funds', 'negative-list-payee', p.line_no, jsonb_build_object('item_code', f.negative_code) FROM pay y
    CROSS JOIN LATERAL (SELECT * FROM payment_line p WHERE y.payee_kind = 'organisation' AND p.book = y.book
                        AND p.instruction_id = y.instruction_id OFFSET 0) p
    CROSS JOIN LATERAL (SELECT DISTINCT ON (f.negative_code) f.negative_code, f.flagged FROM organisation_flag f
                        WHERE f.book = p.book AND f.organisation_id = p.payee_id AND f.valid_from <= y.effective_on
                        ORDER BY f.negative_code, f.valid_from DESC, f.version DESC) f
    WHERE f.flagged
$$;

-- What lists of one programme and year share, and lists of programmes that exclude each other: the rows of claim_window
-- they meet at. A pair of programmes has a row of its own, whatever the year, because some exclude each other for ever.
CREATE FUNCTION gate_windows(p_work gate_work[]) RETURNS TABLE (book bigint, programme_code text, year text)
LANGUAGE sql STABLE AS $$
    SELECT w.book, w.programme_code, left(w.period, 4) FROM unnest(p_work) w WHERE w.payee_kind <> 'organisation'
    UNION
    SELECT w.book, x.programme_a || '/' || x.programme_b, '*' FROM unnest(p_work) w
    JOIN programme_exclusion x ON w.programme_code IN (x.programme_a, x.programme_b) WHERE w.payee_kind <> 'organisation'
$$;

-- Payments of one project pay one after the other (contract sums), and so do lists of one programme and year (nobody
-- twice) and of programmes that exclude each other. Every version of a project is locked, so that two payments always meet
-- at one of them. A settlement locks the projects of its advances too: how much of a contract may be settled depends on
-- everything that was paid of it.
CREATE OR REPLACE FUNCTION gate_lock_payments(p_work gate_work[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (
        SELECT w.book, w.project_id FROM unnest(p_work) w WHERE w.is_payment
        UNION SELECT w.book, g.project_id FROM unnest(p_work) w
        CROSS JOIN LATERAL (SELECT g.project_id FROM instruction_leg g WHERE w.entry_kind = 'settle' AND g.book = w.book
                            AND g.instruction_id = w.instruction_id OFFSET 0) g
        ORDER BY 1, 2) m
    CROSS JOIN LATERAL (SELECT 1 FROM project p WHERE p.book = m.book AND p.project_id = m.project_id ORDER BY p.version FOR NO KEY UPDATE) p;
    INSERT INTO claim_window (book, programme_code, year)
    SELECT m.book, m.programme_code, m.year FROM gate_windows(p_work) m
    WHERE NOT EXISTS (SELECT FROM claim_window c WHERE c.book = m.book AND c.programme_code = m.programme_code AND c.year = m.year)
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM (SELECT * FROM gate_windows(p_work) ORDER BY 1, 2, 3) m
    CROSS JOIN LATERAL (SELECT 1 FROM claim_window c WHERE c.book = m.book AND c.programme_code = m.programme_code
                        AND c.year = m.year FOR NO KEY UPDATE) c;
END $$;

-- Lists whose lines must be looked at again: somebody was paid in the same programme and year, or in a programme that
-- excludes it, since the approval, or the registry, a roster or somebody's account changed since. All lines were checked
-- when the list was approved, under the same locks, and everything else about a line is immutable. An approval from before
-- a restore into a new cluster, where transaction ids start anew, or older than a week is never relied on.
CREATE OR REPLACE FUNCTION gate_stale(p_work gate_work[]) RETURNS gate_work[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT w FROM (SELECT w.*, count(*) OVER (PARTITION BY w.book, w.programme_code, left(w.period, 4)) AS together, c.paid_order_no
            FROM unnest(p_work) w
            LEFT JOIN LATERAL (SELECT * FROM claim_window c WHERE c.book = w.book AND c.programme_code = w.programme_code
                               AND c.year = left(w.period, 4) OFFSET 0) c ON true
            WHERE w.is_payment) x
        JOIN unnest(p_work) w ON w.item = x.item
        WHERE w.checked_xmin IS NULL OR w.checked_xmin > pg_snapshot_xmin(pg_current_snapshot())
           OR w.approved_at < clock_timestamp() - interval '7 days'
           OR EXISTS (SELECT FROM payee_account a WHERE a.book = w.book AND a.xid >= w.checked_xmin OFFSET 0)
           OR EXISTS (SELECT FROM payee_account_confirmation a WHERE a.book = w.book AND a.xid >= w.checked_xmin OFFSET 0)
           OR (w.payee_kind <> 'organisation' AND (
                x.together > 1 OR x.paid_order_no IS NULL OR x.paid_order_no > w.approval_order_no
                OR EXISTS (SELECT FROM registry_status s WHERE s.book = w.book AND s.xid >= w.checked_xmin OFFSET 0)
                OR EXISTS (SELECT FROM roster_member r WHERE r.book = w.book AND r.xid >= w.checked_xmin OFFSET 0)
                OR EXISTS (SELECT FROM programme_exclusion e WHERE w.programme_code IN (e.programme_a, e.programme_b)
                    AND (cardinality(p_work) > 1 OR EXISTS (SELECT FROM claim_window c WHERE c.book = w.book
                        AND c.programme_code IN (e.programme_a, e.programme_b) AND c.paid_order_no > w.approval_order_no OFFSET 0))))));
END $$;

-- Lines whose household (or person) had a programme that excludes the list's: paid and not come back, or paid by an
-- earlier item of the same call.
CREATE FUNCTION gate_check_exclusions(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT y.item, 'funds', 'exclusive-programme', l.line_no, jsonb_build_object('programme_code', x.other)
    FROM unnest(p_work) y
    CROSS JOIN LATERAL (SELECT e.scope, e.per, CASE y.programme_code WHEN e.programme_a THEN e.programme_b ELSE e.programme_a END AS other
                        FROM programme_exclusion e
                        WHERE y.payee_kind <> 'organisation' AND y.programme_code IN (e.programme_a, e.programme_b) OFFSET 0) x
    CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id OFFSET 0) l
    CROSS JOIN LATERAL (
        SELECT l.payee_id AS id
        UNION SELECT l.household_id WHERE x.per = 'household'
        UNION SELECT p.person_id FROM person p WHERE x.per = 'household' AND p.book = l.book AND p.household_id = l.household_id) s
    CROSS JOIN LATERAL (
        SELECT FROM payment_line o
        WHERE o.book = l.book AND o.payee_id = s.id AND o.programme_code = x.other
          AND (x.scope = 'ever' OR left(o.period, 4) = left(l.period, 4))
          AND (x.scope <> 'period' OR period_months(o.period) && period_months(l.period))
          AND (payment_line_stands(o.book, o.instruction_id, o.line_no, o.amount)
               OR EXISTS (SELECT FROM unnest(p_work) e WHERE e.book = o.book AND e.instruction_id = o.instruction_id AND e.item < y.item)) LIMIT 1) o
$$;

-- Every line: the payee is known, was entitled on the day, is not paid twice, and gets what the standard says.
CREATE OR REPLACE FUNCTION gate_check_lines(p_work gate_work[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (
        SELECT y.item, y.book, y.instruction_id, y.programme_code, y.period, y.payee_kind, y.entitlement_on, g.roster_required, g.participation_required, g.paid_in_full,
               g.standard_parameter, parameter_value(g.standard_parameter, y.entitlement_on) AS standard
        FROM unnest(p_work) y JOIN programme g ON g.programme_code = y.programme_code
    ), checked AS (
        SELECT y.item, y.payee_kind, y.roster_required, y.participation_required, y.paid_in_full, y.standard, y.standard_parameter,
               l.line_no, l.amount, l.quantity, l.participation_ref, l.exception_document_no, k.known, a.account_hash IS NOT NULL AS has_account,
               -- (A line without a card fits nobody, whoever has none registered least of all.)
               CASE WHEN l.card_hash = a.account_hash THEN true WHEN l.card_hash IS NULL THEN false
                    WHEN l.exception_document_no IS NULL OR y.payee_kind = 'organisation' THEN false
                    -- A guardian: with a document, the account of somebody else of the same household.
                    ELSE EXISTS (SELECT FROM person p WHERE p.book = l.book AND p.household_id = l.household_id
                                 AND payee_account_hash(p.book, p.person_id) = l.card_hash OFFSET 0) END AS to_account, s.status, o.status AS own_status, r.action, w.twice,
               (l.programme_code, l.period) <> (y.programme_code, y.period) AS strays
        FROM pay y
        CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id OFFSET 0) l
        LEFT JOIN LATERAL (
            SELECT true AS known, p.person_id AS holder FROM person p
                WHERE y.payee_kind = 'person' AND p.book = l.book AND p.person_id = l.payee_id AND p.household_id = l.household_id
            UNION ALL SELECT true, (SELECT p.person_id FROM person p WHERE p.book = h.book AND p.household_id = h.household_id AND p.is_head)
                FROM household h WHERE y.payee_kind = 'household' AND h.book = l.book AND h.household_id = l.payee_id
                AND l.household_id = l.payee_id
            UNION ALL SELECT true, o.organisation_id FROM organisation o WHERE y.payee_kind = 'organisation' AND o.book = l.book AND o.organisation_id = l.payee_id) k ON true
        -- The account that counts, as payee_account_hash says; here in one index seek a line.
        LEFT JOIN LATERAL (SELECT a.account_hash FROM payee_account a WHERE a.book = l.book AND a.holder_id = k.holder
            AND (a.version = 1 OR EXISTS (SELECT FROM payee_account_confirmation c WHERE c.book = a.book AND c.holder_id = a.holder_id
                                          AND c.version = a.version OFFSET 0))
            ORDER BY a.version DESC LIMIT 1) a ON true
        LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE y.payee_kind <> 'organisation' AND s.book = l.book
            AND s.subject_id = l.household_id AND s.valid_from <= y.entitlement_on ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT s.status FROM registry_status s WHERE y.payee_kind = 'person' AND s.book = l.book
            AND s.subject_id = l.payee_id AND s.valid_from <= y.entitlement_on ORDER BY s.valid_from DESC, s.version DESC LIMIT 1) o ON true
        LEFT JOIN LATERAL (SELECT r.action FROM roster_member r WHERE y.roster_required AND r.book = l.book AND r.programme_code = l.programme_code
            AND r.payee_id = l.payee_id AND r.valid_from <= y.entitlement_on ORDER BY r.valid_from DESC, r.version DESC LIMIT 1) r ON true
        LEFT JOIN LATERAL (SELECT true AS twice FROM payment_line o WHERE y.payee_kind <> 'organisation' AND o.book = l.book AND o.payee_id = l.payee_id
            AND o.programme_code = l.programme_code AND left(o.period, 4) = left(l.period, 4)
            AND period_months(o.period) && period_months(l.period)
            AND ((o.instruction_id = l.instruction_id AND o.line_no < l.line_no) OR
                 (o.instruction_id <> l.instruction_id AND (payment_line_stands(o.book, o.instruction_id, o.line_no, o.amount)
                  OR EXISTS (SELECT FROM pay e WHERE e.book = o.book AND e.instruction_id = o.instruction_id AND e.item < y.item)))) LIMIT 1) w ON true
    ), odd AS MATERIALIZED (                -- read once, and of a good list nothing is left; what is wrong is said below
        SELECT c.* FROM checked c
        WHERE c.known IS NULL OR c.strays OR c.twice OR NOT c.to_account OR c.action = 'struck_off'
           OR (c.status IS NULL AND c.payee_kind <> 'organisation') OR (c.action IS NULL AND c.roster_required)
           OR c.status IN ('removed', 'deceased') OR c.own_status IN ('removed', 'deceased')
           OR (c.exception_document_no IS NULL AND (
               (c.standard_parameter IS NOT NULL AND c.amount > coalesce(c.standard, 0) * c.quantity)
               OR (c.paid_in_full AND c.amount < c.standard * c.quantity)
               OR (c.participation_required AND c.participation_ref IS NULL)))
    )
    SELECT c.item, 'funds', 'payee-unknown', c.line_no, '{}'::jsonb FROM odd c WHERE c.known IS NULL
    UNION ALL SELECT c.item, 'funds', 'payee-not-registered', c.line_no, '{}' FROM odd c
        WHERE c.known AND c.status IS NULL AND c.payee_kind <> 'organisation'
    UNION ALL SELECT c.item, 'funds', 'line-of-another-list', c.line_no, '{}' FROM odd c WHERE c.strays
    UNION ALL SELECT c.item, 'funds', 'payee-' || x.status, c.line_no, '{}' FROM odd c
        CROSS JOIN LATERAL (SELECT c.status UNION SELECT c.own_status) x (status) WHERE x.status IN ('removed', 'deceased')
    UNION ALL SELECT c.item, 'funds', 'not-on-roster', c.line_no, '{}' FROM odd c WHERE c.roster_required AND c.action IS NULL
    UNION ALL SELECT c.item, 'funds', 'roster-struck-off', c.line_no, '{}' FROM odd c WHERE c.action = 'struck_off'
    UNION ALL SELECT c.item, 'funds', 'paid-twice', c.line_no, '{}' FROM odd c WHERE c.twice
    UNION ALL SELECT c.item, 'funds', 'above-standard', c.line_no, jsonb_build_object('standard', c.standard, 'quantity', c.quantity) FROM odd c
        WHERE c.standard_parameter IS NOT NULL AND c.exception_document_no IS NULL AND c.amount > coalesce(c.standard, 0) * c.quantity
    UNION ALL SELECT c.item, 'funds', 'not-paid-in-full', c.line_no, jsonb_build_object('standard', c.standard, 'quantity', c.quantity) FROM odd c
        WHERE c.paid_in_full AND c.exception_document_no IS NULL AND c.amount < c.standard * c.quantity
    UNION ALL SELECT c.item, 'funds', 'participation-missing', c.line_no, '{}' FROM odd c
        WHERE c.participation_required AND c.participation_ref IS NULL AND c.exception_document_no IS NULL
    UNION ALL SELECT c.item, 'funds', CASE c.payee_kind WHEN 'organisation' THEN 'account-not-registered' ELSE 'card-not-registered' END, c.line_no, '{}' FROM odd c
        WHERE c.known AND NOT c.has_account AND NOT c.to_account
    UNION ALL SELECT c.item, 'funds', CASE c.payee_kind WHEN 'organisation' THEN 'account-not-of-payee' ELSE 'card-not-of-payee' END, c.line_no, '{}' FROM odd c
        WHERE c.known AND c.has_account AND NOT c.to_account
    UNION ALL SELECT * FROM gate_check_exclusions(p_work)
$$;
