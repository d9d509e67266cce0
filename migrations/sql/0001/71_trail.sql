-- Reads of the book: an account's totals as of a log position, and the list of entries by day.
-- Positions on one account follow lock order (the sequencer sees what a waiting posting saw committed), so what was
-- known at a position is the beginning of each side, and its end can be searched for by halves.

CREATE INDEX entry_effective_on ON entry (effective_on, book, entry_id, entry_kind);

-- One side's total (received if p_debit, else given) over the transfers whose entry has a position <= p_position.
CREATE FUNCTION account_side_at(p_book bigint, p_account uuid, p_debit boolean, p_total bigint, p_position bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low bigint := 0;                      -- everything before is known
    v_high bigint := p_total;               -- nothing from here on is known
    v_try bigint := p_total - 1;            -- mostly everything is known, so try the last transfer first
    v_entry uuid;
    v_before bigint;
    v_after bigint;
BEGIN
    WHILE v_low < v_high LOOP
        IF p_debit THEN
            SELECT t.entry_id, t.debit_before, t.debit_after INTO STRICT v_entry, v_before, v_after FROM transfer t
            WHERE t.book = p_book AND t.debit_account = p_account AND t.debit_before <= v_try ORDER BY t.debit_before DESC LIMIT 1;
        ELSE
            SELECT t.entry_id, t.credit_before, t.credit_after INTO STRICT v_entry, v_before, v_after FROM transfer t
            WHERE t.book = p_book AND t.credit_account = p_account AND t.credit_before <= v_try ORDER BY t.credit_before DESC LIMIT 1;
        END IF;
        IF EXISTS (SELECT FROM log_leaf l WHERE l.book = p_book AND l.kind = 'entry' AND l.record_id = v_entry AND l.position <= p_position) THEN
            v_low := v_after;
        ELSE
            v_high := v_before;
        END IF;
        v_try := v_low + (v_high - v_low) / 2;
    END LOOP;
    RETURN v_low;
END $$;
