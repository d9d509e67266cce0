-- The gate: lines that pay again what the bank returned (重发): once, to the same payee, for the same thing, the same sum.
--
-- A line names the returned one by entry and line number. What came back of a re-issue is re-issued by naming the re-issue,
-- never the first one again; so what was named by a posted line is named for good (unique index transfer_reissues). A
-- plain line for a payee whose payment of that programme and period came back must name it, or "once" could be got round.
-- The claim window (for organisations the project) is locked, so two lists that name one line come here one after the other.

CREATE FUNCTION gate_check_reissues(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH pay AS MATERIALIZED (SELECT y.item, y.book, y.instruction_id, y.entry_kind, y.project_id, y.payee_kind FROM unnest(p_work) y WHERE y.is_payment),
    again AS MATERIALIZED (     -- most lists have none: one seek in an index of next to nothing
        SELECT y.item, y.project_id, l.*, o.instruction_id AS returned_list, t.amount AS returned_amount, t.credit_account,
               (o.payee_id, o.programme_code, o.period) IS DISTINCT FROM (l.payee_id, l.programme_code, l.period) AS differs,
               row_number() OVER (PARTITION BY l.book, l.reissues_entry_id, l.reissues_line_no ORDER BY y.item, l.line_no) AS turn
        FROM pay y
        CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.instruction_id = y.instruction_id AND l.reissues_entry_id IS NOT NULL OFFSET 0) l
        LEFT JOIN LATERAL (SELECT e.instruction_id FROM entry e WHERE e.book = l.book AND e.entry_id = l.reissues_entry_id
                           AND e.entry_kind = y.entry_kind AND e.entry_kind IN ('pay', 'pay_other') OFFSET 0) e ON true
        LEFT JOIN LATERAL (SELECT * FROM payment_line o WHERE o.book = l.book AND o.instruction_id = e.instruction_id
                           AND o.line_no = l.reissues_line_no OFFSET 0) o ON true
        LEFT JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = l.book AND t.entry_id = l.reissues_entry_id
                           AND t.line_no = l.reissues_line_no AND o.line_no IS NOT NULL OFFSET 0) t ON true
        WHERE l.book = y.book
    ), found AS (SELECT * FROM again a WHERE a.returned_amount IS NOT NULL)
    SELECT a.item, 'funds', 'reissue-unknown', a.line_no, '{}'::jsonb FROM again a WHERE a.returned_amount IS NULL
    UNION ALL
    SELECT a.item, 'funds', 'reissue-of-another-payee', a.line_no, '{}' FROM found a WHERE a.differs
    UNION ALL
    SELECT a.item, 'funds', 'reissue-not-returned', a.line_no, '{}' FROM found a
    WHERE payment_line_stands(a.book, a.returned_list, a.reissues_line_no, a.returned_amount)
    UNION ALL
    SELECT a.item, 'funds', 'reissue-amount-differs', a.line_no, jsonb_build_object('returned_amount', a.returned_amount) FROM found a
    WHERE a.amount <> a.returned_amount
    UNION ALL
    SELECT a.item, 'funds', 'reissued-already', a.line_no, '{}' FROM found a
    WHERE a.turn > 1 OR EXISTS (SELECT FROM transfer r WHERE r.book = a.book AND r.reissues_entry_id = a.reissues_entry_id
        AND r.reissues_line_no = a.reissues_line_no OFFSET 0)
    UNION ALL   -- from the project it came back to; a past year's account only where that very account had paid it
    SELECT a.item, 'funds', 'reissue-from-other-money', a.line_no, '{}' FROM found a
    CROSS JOIN LATERAL (SELECT c.project_id FROM account c WHERE c.book = a.book AND c.account_id = a.credit_account OFFSET 0) c
    WHERE a.project_id IS DISTINCT FROM c.project_id
       OR EXISTS (SELECT FROM unnest(p_legs) g WHERE g.item = a.item AND g.leg_no = a.leg_no AND g.named_year IS NOT NULL
           AND g.credit_account IS DISTINCT FROM a.credit_account)
    UNION ALL   -- an organisation may be paid several sums: only the same sum of the same project counts as that one again
    SELECT y.item, 'funds', 'reissue-not-named', l.line_no, jsonb_build_object('returned_entry_id', w.entry_id, 'returned_line_no', w.line_no)
    FROM pay y
    CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = y.book AND l.instruction_id = y.instruction_id
                        AND l.reissues_entry_id IS NULL OFFSET 0) l
    CROSS JOIN LATERAL (
        SELECT u.undoes_entry_id AS entry_id, u.undoes_line_no AS line_no
        FROM (SELECT * FROM transfer u WHERE u.payee_id = l.payee_id AND u.undoes_line_no IS NOT NULL OFFSET 0) u
        CROSS JOIN LATERAL (SELECT e.instruction_id FROM entry e WHERE e.book = u.book AND e.entry_id = u.undoes_entry_id
                            AND e.entry_kind = y.entry_kind AND e.entry_kind IN ('pay', 'pay_other') OFFSET 0) e
        CROSS JOIN LATERAL (SELECT * FROM payment_line o WHERE o.book = u.book AND o.instruction_id = e.instruction_id
                            AND o.line_no = u.undoes_line_no OFFSET 0) o
        CROSS JOIN LATERAL (SELECT p.project_id FROM payment_list p WHERE p.book = u.book AND p.instruction_id = e.instruction_id OFFSET 0) p
        WHERE u.book = l.book AND (o.programme_code, o.period) = (l.programme_code, l.period)
          AND (y.payee_kind <> 'organisation' OR o.amount = l.amount AND p.project_id IS NOT DISTINCT FROM y.project_id)
          AND NOT EXISTS (SELECT FROM transfer r WHERE r.book = u.book AND r.reissues_entry_id = u.undoes_entry_id
              AND r.reissues_line_no = u.undoes_line_no OFFSET 0)
          AND NOT payment_line_stands(o.book, o.instruction_id, o.line_no, o.amount)
        LIMIT 1) w
$$;
