-- The gate: undoing, with the kinds of this revision (see 0001/64_). What undoes what: `return` what was paid, `advance_return`
-- an advance, `reverse` everything that was not paid.

-- Undoing: what may be undone, at most once over, not before it was done, and not where the money has gone on (spent-downstream).
CREATE OR REPLACE FUNCTION gate_check_undo(p_work gate_work[], p_legs gate_leg[]) RETURNS SETOF gate_fault
LANGUAGE sql STABLE AS $$
    WITH leg AS MATERIALIZED (
        SELECT l.*, o.entry_kind AS original_kind, o.effective_on AS original_on, o.crossing_id, t.debit_before AS lot_before,
               t.undoes_entry_id AS original_undoes
        FROM unnest(p_legs) l
        CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = l.book AND t.entry_id = l.undoes_entry_id AND t.line_no = l.undoes_line_no OFFSET 0) t
        CROSS JOIN LATERAL (SELECT * FROM entry o WHERE o.book = t.book AND o.entry_id = t.entry_id OFFSET 0) o
        WHERE l.undoes_entry_id IS NOT NULL)
    SELECT l.item, 'posting', 'undo-of-undo', l.leg_no, '{}'::jsonb FROM leg l WHERE l.original_undoes IS NOT NULL AND l.side = 1
    UNION ALL
    SELECT l.item, 'posting', 'undo-kind', l.leg_no, jsonb_build_object('kind', l.original_kind) FROM leg l
    WHERE l.original_undoes IS NULL AND l.side = 1 AND l.entry_kind <> CASE WHEN l.original_kind IN ('pay', 'pay_other') THEN 'return'
        WHEN l.original_kind = 'advance' THEN 'advance_return' ELSE 'reverse' END
    UNION ALL
    SELECT l.item, 'management', 'undo-of-another-office', l.leg_no, jsonb_build_object('kind', l.original_kind) FROM leg l
    JOIN unnest(p_work) w ON w.item = l.item
    JOIN entry_kind k ON k.entry_kind = l.original_kind
    WHERE l.side = 1 AND EXISTS (SELECT FROM staff s JOIN unit u ON u.book = s.book AND u.unit_id = s.unit_id
        WHERE s.book = w.book AND s.staff_id IN (w.maker_id, w.actor_id) AND u.kind <> ALL (k.maker_units))
    UNION ALL
    SELECT l.item, 'posting', 'undo-of-crossing-by-district', l.leg_no, '{}' FROM leg l JOIN book b ON b.book = l.book
    WHERE l.side = 1 AND l.crossing_id IS NOT NULL AND b.level = 'district'
    UNION ALL
    SELECT l.item, 'posting', 'undo-exceeds', l.leg_no, jsonb_build_object('remaining', greatest(l.undoes_amount - l.undoes_before, 0)) FROM leg l
    WHERE l.side = 1 AND l.undoes_before + l.amount > l.undoes_amount
    UNION ALL
    SELECT l.item, 'posting', 'undo-before-original', l.leg_no, jsonb_build_object('original_on', l.original_on) FROM leg l
    WHERE l.side = 1 AND l.effective_on < l.original_on
    UNION ALL
    SELECT l.item, 'posting', 'spent-downstream', l.leg_no, jsonb_build_object('unspent', u.unspent) FROM leg l
    CROSS JOIN LATERAL (SELECT greatest(l.undoes_amount - l.undoes_before
        - greatest(l.spent_before - (l.lot_before - undone_before_lot(l.book, l.credit_account, l.lot_before)), 0), 0) AS unspent) u
    -- A source has nothing to spend: what a recovery gave back to it can always be taken from it again.
    WHERE NOT EXISTS (SELECT FROM account_balance b WHERE b.book = l.book AND b.account_id = l.credit_account AND b.is_source OFFSET 0)
      AND l.spent_before > 0 AND l.amount > u.unspent AND l.undoes_before + l.amount <= l.undoes_amount
    UNION ALL
    -- (outcome || '': by its key, and not through the index of everything that was ever returned)
    SELECT l.item, 'posting', 'return-without-bank-result', l.leg_no, '{}' FROM leg l
    WHERE l.entry_kind = 'return' AND NOT EXISTS (SELECT FROM bank_result r WHERE r.book = l.book AND r.entry_id = l.undoes_entry_id
        AND r.line_no = l.undoes_line_no AND r.outcome || '' = 'returned' OFFSET 0)
$$;
