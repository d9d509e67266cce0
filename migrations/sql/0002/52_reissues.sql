-- Re-issues (重发), the state of every line of a payment list, and who took a bank file (代发文件) out.

-- Both indexes hold next to nothing: lists that re-issue something, and money that came back.
CREATE INDEX payment_line_reissues ON payment_line (instruction_id, line_no) WHERE reissues_entry_id IS NOT NULL;
-- (undoes_line_no: a condition on undoes_entry_id would let a plan made while little was undone walk through all of
-- transfer_undoes instead, for every line of a list.)
CREATE INDEX transfer_returned ON transfer (payee_id) WHERE undoes_line_no IS NOT NULL AND payee_id IS NOT NULL;
CREATE INDEX payment_list_programme ON payment_list (programme_code, period);

-- Lines that came back whole, whose return is posted, and that nobody paid again: what may be re-issued (once).
CREATE VIEW reissuable_line AS
    SELECT p.book, p.instruction_id, e.entry_id, e.entry_kind, l.line_no, l.amount, l.payee_id, l.household_id, p.payee_kind,
           p.project_id, p.programme_code, p.period, t.credit_account, a.allocation_id, a.exec_year::integer AS exec_year
    FROM payment_list p
    JOIN entry e ON e.book = p.book AND e.instruction_id = p.instruction_id AND e.entry_kind IN ('pay', 'pay_other')
    CROSS JOIN LATERAL (SELECT u.undoes_line_no AS line_no, sum(u.amount) AS undone FROM transfer u
                        WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id GROUP BY 1 OFFSET 0) u
    CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = e.book AND t.entry_id = e.entry_id AND t.line_no = u.line_no OFFSET 0) t
    CROSS JOIN LATERAL (SELECT * FROM account a WHERE a.book = t.book AND a.account_id = t.credit_account OFFSET 0) a
    CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = p.book AND l.instruction_id = p.instruction_id AND l.line_no = u.line_no OFFSET 0) l
    WHERE u.undone >= t.amount
      AND NOT EXISTS (SELECT FROM transfer r WHERE r.book = t.book AND r.reissues_entry_id = t.entry_id AND r.reissues_line_no = t.line_no);

-- What became of a line. `published`: a notice of the list was up by today (whether long enough, the gate says); `sent` is
-- when it was posted; `returned` stays until somebody pays it again.
CREATE VIEW payment_line_state AS
    SELECT l.book, l.instruction_id, l.line_no, e.entry_id, l.payee_id, l.household_id,
           CASE WHEN r.instruction_id IS NOT NULL THEN 'reissued'
                WHEN b.outcome IS NOT NULL THEN b.outcome
                WHEN e.entry_id IS NOT NULL THEN 'sent'
                WHEN EXISTS (SELECT FROM rejection j WHERE j.book = l.book AND j.instruction_id = l.instruction_id) THEN 'rejected'
                WHEN EXISTS (SELECT FROM approval a WHERE a.book = l.book AND a.instruction_id = l.instruction_id) THEN 'approved'
                WHEN notice_days(l.book, l.instruction_id, 'payment_list', shanghai_today()) > 0 THEN 'published'
                ELSE 'listed' END AS state,
           CASE WHEN b.outcome = 'returned' THEN b.reason END AS return_reason,
           CASE WHEN b.outcome = 'returned' THEN b.settled_on END AS returned_on,
           CASE WHEN b.outcome = 'returned' THEN EXISTS (SELECT FROM transfer u WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id
                AND u.undoes_line_no = l.line_no) END AS return_posted,
           r.instruction_id AS reissued_by_list, r.line_no AS reissued_by_line_no,
           o.instruction_id AS reissues_list, l.reissues_line_no
    FROM payment_line l
    LEFT JOIN LATERAL (SELECT e.book, e.entry_id FROM entry e WHERE e.book = l.book AND e.instruction_id = l.instruction_id OFFSET 0) e ON true
    LEFT JOIN LATERAL (SELECT b.outcome, b.reason, b.settled_on FROM bank_result b WHERE b.book = e.book AND b.entry_id = e.entry_id
        AND b.line_no = l.line_no ORDER BY b.outcome DESC LIMIT 1) b ON true   -- returned counts more than credited
    LEFT JOIN LATERAL (SELECT n.instruction_id, t.line_no FROM transfer t JOIN entry n ON n.book = t.book AND n.entry_id = t.entry_id
        WHERE t.book = e.book AND t.reissues_entry_id = e.entry_id AND t.reissues_line_no = l.line_no LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT o.instruction_id FROM entry o WHERE o.book = l.book AND o.entry_id = l.reissues_entry_id OFFSET 0) o ON true;

-- Every time names and cards left in clear for the bank: who, when, which bytes. No personal data.
CREATE TABLE bank_file (
    book           bigint  NOT NULL,
    bank_file_id   uuid    NOT NULL,
    instruction_id uuid    NOT NULL,
    format         text    NOT NULL CHECK (format IN ('csv', 'xlsx')),
    line_count     integer NOT NULL CHECK (line_count > 0),
    total          bigint  NOT NULL CHECK (total > 0),
    sha256         bytea   NOT NULL CHECK (length(sha256) = 32),
    taken_by       uuid    NOT NULL,
    taken_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, bank_file_id),
    FOREIGN KEY (book, instruction_id) REFERENCES instruction (book, instruction_id),
    FOREIGN KEY (book, taken_by) REFERENCES staff (book, staff_id)
);
CREATE INDEX bank_file_instruction_id ON bank_file (instruction_id);
GRANT INSERT ON bank_file TO fundledger_service;

-- IDL-11: what was paid again is no hit any more, even where the re-issue came back too: that one is the hit.
CREATE OR REPLACE VIEW anomaly_not_reissued AS
    SELECT 'IDL-11'::text AS rule, r.book, p.payee_kind AS subject_kind, l.payee_id AS subject_id, h.household_no AS subject_no,
           r.settled_on AS happened_on, l.amount,
           jsonb_build_object('book', r.book::text, 'entry_id', r.entry_id, 'line_no', r.line_no, 'document_no', e.document_no,
               'paid_on', e.effective_on, 'programme_code', l.programme_code, 'period', l.period, 'household_no', h.household_no,
               'amount_fen', l.amount, 'returned_on', r.settled_on, 'return_document_no', r.document_no, 'on', (SELECT day FROM anomaly_setting),
               'limit_days', d.days, 'posted_back', EXISTS (SELECT FROM transfer u WHERE u.book = r.book AND u.undoes_entry_id = r.entry_id
                   AND u.undoes_line_no = r.line_no)) AS evidence,
           r.entry_id || ':' || lpad(r.line_no::text, 7, '0') AS sort_key
    FROM bank_result r
    CROSS JOIN LATERAL (SELECT parameter_value('reissue_days', r.settled_on)::integer AS days OFFSET 0) d
    JOIN entry e ON e.book = r.book AND e.entry_id = r.entry_id
    JOIN payment_list p ON p.book = e.book AND p.instruction_id = e.instruction_id
    CROSS JOIN LATERAL (SELECT * FROM payment_line l WHERE l.book = e.book AND l.instruction_id = e.instruction_id
        AND l.line_no = r.line_no OFFSET 0) l
    LEFT JOIN household h ON h.book = l.book AND h.household_id = l.household_id
    WHERE r.outcome = 'returned' AND r.settled_on < (SELECT day FROM anomaly_setting) AND r.settled_on + d.days < (SELECT day FROM anomaly_setting)
      AND NOT EXISTS (SELECT FROM transfer n JOIN entry x ON x.book = n.book AND x.entry_id = n.entry_id
          WHERE n.book = r.book AND n.reissues_entry_id = r.entry_id AND n.reissues_line_no = r.line_no
            AND x.effective_on <= (SELECT day FROM anomaly_setting))
      AND NOT EXISTS (SELECT FROM (SELECT * FROM anomaly_standing_line s WHERE s.payee_id = l.payee_id
              AND s.programme_code = l.programme_code AND s.period = l.period OFFSET 0) s
          WHERE s.book = l.book AND s.entry_id <> r.entry_id AND s.effective_on BETWEEN e.effective_on AND (SELECT day FROM anomaly_setting));
