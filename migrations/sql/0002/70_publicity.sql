-- What was published against what the book has (公告公示检查): PRC-03 too short or not at all, PRC-04 another amount.
-- Projects count to today, a paid list to the day it was paid; of other subjects only what was published is looked at.

CREATE VIEW publicity AS
    SELECT p.book, 'project'::text AS subject_kind, p.project_id AS subject_id, p.code AS subject_no, k.level,
           coalesce(n.published, CASE WHEN n.days IS NOT NULL THEN p.planned_amount END) AS published, p.planned_amount AS ledger,
           coalesce(n.days, n.days_differ, 0) AS days, r.needed AS days_needed,
           CASE WHEN n.days >= r.needed THEN NULL WHEN n.days IS NULL AND n.days_differ IS NOT NULL THEN 'PRC-04' ELSE 'PRC-03' END AS finding
    FROM project_current p
    CROSS JOIN LATERAL unnest(project_levels(p.village_code)) k (level)
    CROSS JOIN LATERAL (SELECT parameter_value('publicity_days_' || k.level, shanghai_today())::integer AS needed) r
    LEFT JOIN LATERAL (SELECT * FROM notice_standing(p.book, p.project_id, 'project', shanghai_today(), p.planned_amount) s
                       WHERE s.level = k.level) n ON true
    WHERE p.status IN ('approved', 'suspended')
    UNION ALL
    SELECT e.book, 'payment_list', l.instruction_id, e.document_no, 'list', n.published, e.total, coalesce(w.days, 0), r.needed,
           CASE WHEN n.published <> e.total THEN 'PRC-04' WHEN (w.days >= r.needed) IS NOT TRUE THEN 'PRC-03' END
    FROM payment_list l
    JOIN LATERAL (SELECT e.book, e.effective_on, i.document_no, i.total FROM entry e
                  JOIN instruction i ON i.book = e.book AND i.instruction_id = e.instruction_id
                  WHERE e.book = l.book AND e.instruction_id = l.instruction_id AND e.entry_kind = 'pay') e ON true
    CROSS JOIN LATERAL (SELECT notice_workdays(l.book, l.instruction_id, 'payment_list', e.effective_on) AS days) w
    CROSS JOIN LATERAL (SELECT parameter_value('publicity_workdays_list', e.effective_on)::integer AS needed) r
    LEFT JOIN LATERAL (SELECT c.amount AS published FROM notice_current c WHERE c.book = l.book AND c.subject_id = l.instruction_id
                       ORDER BY c.amount = e.total, c.notice_id LIMIT 1) n ON true
    WHERE l.payee_kind <> 'organisation' AND NOT EXISTS (SELECT FROM payment_line y WHERE y.book = l.book
        AND y.instruction_id = l.instruction_id AND y.reissues_entry_id IS NOT NULL)
    UNION ALL
    SELECT c.book, c.subject_kind, c.subject_id, c.document_no, c.level, c.amount, a.amounts[1], c.published_to - c.published_from + 1, NULL,
           CASE WHEN (c.amount = ANY (a.amounts)) IS NOT TRUE THEN 'PRC-04' END
    FROM notice_current c CROSS JOIN LATERAL (SELECT notice_amounts(c.book, c.subject_kind, c.subject_id, c.fiscal_year) AS amounts) a
    WHERE c.subject_kind NOT IN ('project', 'payment_list');

GRANT EXECUTE ON FUNCTION notice_standing(bigint, uuid, text, date, bigint), project_levels(text) TO fundledger_service, fundledger_reader;
