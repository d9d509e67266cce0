-- IDL-07 (预拨未清算): an advance of which something was neither settled nor returned when its days were over. As of the asked
-- day: what came later is not known yet. The gate gives a payee of such an advance no other (`advance-overdue`) by the day on
-- which that one counts; `recorded_on` shows an inspector what was entered for an earlier day.
CREATE VIEW anomaly_advance_overdue AS
    SELECT 'IDL-07'::text AS rule, t.book, 'organisation'::text AS subject_kind, t.payee_id AS subject_id, e.document_no AS subject_no,
           e.effective_on + d.days + 1 AS happened_on, t.amount - b.returned - s.settled AS amount,
           jsonb_build_object('book', t.book::text, 'entry_id', t.entry_id, 'line_no', t.line_no, 'instruction_id', e.instruction_id,
               'document_no', e.document_no, 'paid_on', e.effective_on, 'recorded_on', (e.recorded_at AT TIME ZONE 'Asia/Shanghai')::date,
               'due_on', e.effective_on + d.days, 'on', (SELECT day FROM anomaly_setting), 'limit_days', d.days,
               'allocation_id', a.allocation_id, 'project_id', a.project_id, 'procurement_id', l.procurement_id, 'amount_fen', t.amount,
               'settled_fen', s.settled, 'returned_fen', b.returned, 'balance_fen', t.amount - b.returned - s.settled,
               'people', (SELECT x.people FROM anomaly_people x WHERE x.book = e.book AND x.entry_id = e.entry_id)) AS evidence,
           t.entry_id || ':' || lpad(t.line_no::text, 7, '0') AS sort_key
    FROM account a
    JOIN transfer t ON t.book = a.book AND t.debit_account = a.account_id AND t.undoes_entry_id IS NULL
    JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id
    CROSS JOIN LATERAL (SELECT parameter_value('advance_settle_days', e.effective_on)::integer AS days OFFSET 0) d
    JOIN payment_list l ON l.book = e.book AND l.instruction_id = e.instruction_id
    CROSS JOIN LATERAL (SELECT (SELECT coalesce(sum(u.amount), 0)::bigint FROM transfer u
            JOIN entry v ON v.book = u.book AND v.entry_id = u.entry_id AND v.effective_on <= (SELECT day FROM anomaly_setting)
            WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no) AS returned) b
    CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount - (SELECT coalesce(sum(u.amount), 0)::bigint FROM transfer u
            JOIN entry v ON v.book = u.book AND v.entry_id = u.entry_id AND v.effective_on <= (SELECT day FROM anomaly_setting)
            WHERE u.book = x.book AND u.undoes_entry_id = x.entry_id AND u.undoes_line_no = x.line_no)), 0)::bigint AS settled
        FROM transfer x JOIN entry n ON n.book = x.book AND n.entry_id = x.entry_id AND n.effective_on <= (SELECT day FROM anomaly_setting)
        WHERE x.book = t.book AND x.settles_entry_id = t.entry_id AND x.settles_line_no = t.line_no) s
    WHERE a.account_kind = 'advanced' AND e.effective_on + d.days < (SELECT day FROM anomaly_setting)
      AND t.amount > b.returned + s.settled;

CREATE OR REPLACE VIEW anomaly AS
    SELECT * FROM anomaly_refused_attempt UNION ALL SELECT * FROM anomaly_idle_money UNION ALL SELECT * FROM anomaly_shared_card
    UNION ALL SELECT * FROM anomaly_paid_twice UNION ALL SELECT * FROM anomaly_unconfirmed
    UNION ALL SELECT * FROM anomaly_above_standard UNION ALL SELECT * FROM anomaly_paid_ineligible
    UNION ALL SELECT * FROM anomaly_not_reissued UNION ALL SELECT * FROM anomaly_village_quota
    UNION ALL SELECT * FROM anomaly_below_floor UNION ALL SELECT * FROM anomaly_advance_overdue;
