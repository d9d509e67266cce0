-- Leads look at every kind of payment: an advance may wait for the bank as long as a payment, and money outside the five is
-- paid to the same people (see 0001/72_).

CREATE OR REPLACE VIEW anomaly_standing_line AS
    SELECT e.book, e.entry_id, e.instruction_id, e.effective_on, e.document_no, p.project_id, p.payee_kind, p.entitlement_on,
           l.line_no, l.amount, l.payee_id, l.household_id, h.household_no, l.quantity, l.programme_code, l.period,
           l.exception_document_no, l.card_hash,
           jsonb_build_object('book', e.book::text, 'entry_id', e.entry_id, 'line_no', l.line_no, 'document_no', e.document_no,
               'paid_on', e.effective_on, 'programme_code', l.programme_code, 'period', l.period, 'household_no', h.household_no,
               'amount_fen', l.amount) AS evidence
    FROM payment_line l
    JOIN entry e ON e.book = l.book AND e.instruction_id = l.instruction_id AND e.entry_kind IN ('pay', 'advance', 'pay_other')
    JOIN payment_list p ON p.book = l.book AND p.instruction_id = l.instruction_id
    LEFT JOIN household h ON h.book = l.book AND h.household_id = l.household_id
    WHERE l.amount > coalesce((SELECT sum(u.amount) FROM transfer u
        WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id AND u.undoes_line_no = l.line_no), 0);

CREATE OR REPLACE VIEW anomaly_unconfirmed AS
    SELECT 'UND-08'::text AS rule, e.book, 'entry'::text AS subject_kind, e.entry_id AS subject_id, e.document_no AS subject_no,
           e.effective_on AS happened_on, m.amount,
           jsonb_build_object('entry_id', e.entry_id, 'instruction_id', e.instruction_id, 'document_no', e.document_no,
               'paid_on', e.effective_on, 'on', (SELECT day FROM anomaly_setting), 'limit_days', d.days, 'line_count', e.line_count,
               'unconfirmed_count', m.lines, 'unconfirmed_fen', m.amount, 'line_nos', to_jsonb(m.line_nos[1:50]),
               'people', (SELECT x.people FROM anomaly_people x WHERE x.book = e.book AND x.entry_id = e.entry_id)) AS evidence,
           e.entry_id::text AS sort_key
    FROM entry e
    CROSS JOIN LATERAL (SELECT parameter_value('bank_confirmation_days', e.effective_on)::integer AS days OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT count(*) AS lines, sum(t.amount)::bigint AS amount, array_agg(t.line_no ORDER BY t.line_no) AS line_nos
        FROM transfer t
        WHERE t.book = e.book AND t.entry_id = e.entry_id
          AND NOT EXISTS (SELECT FROM bank_result r WHERE r.book = t.book AND r.entry_id = t.entry_id AND r.line_no = t.line_no
              AND r.settled_on <= (SELECT day FROM anomaly_setting))
          AND NOT EXISTS (SELECT FROM transfer u WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no)
    ) m
    WHERE e.entry_kind IN ('pay', 'advance', 'pay_other') AND e.effective_on < (SELECT day FROM anomaly_setting)
      AND e.effective_on + d.days < (SELECT day FROM anomaly_setting) AND m.lines > 0;
