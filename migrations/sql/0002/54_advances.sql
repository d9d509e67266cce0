-- 先预拨后清算 (M09): what became of every advance to a payee, and of money that the city released beforehand.

-- One row per advance (预拨): a line of an advance list. The gate reads it by project and by payee: from the accounts on,
-- seek by seek, whatever the tables looked like when the plan was made. What a reversal took back from a settlement counts as not settled.
CREATE VIEW advance_status AS
    SELECT t.book, t.entry_id, t.line_no, e.instruction_id, e.order_no, e.effective_on, e.document_no, a.payee_id, a.allocation_id,
           a.project_id, a.exec_year, l.procurement_id, t.amount, r.returned, s.settled,
           t.amount - r.returned - s.settled AS outstanding,
           e.effective_on + parameter_value('advance_settle_days', e.effective_on)::integer AS due_on
    FROM account a
    CROSS JOIN LATERAL (SELECT * FROM transfer t WHERE t.book = a.book AND t.debit_account = a.account_id AND t.undoes_entry_id IS NULL OFFSET 0) t
    CROSS JOIN LATERAL (SELECT * FROM entry e WHERE e.book = t.book AND e.entry_id = t.entry_id OFFSET 0) e
    CROSS JOIN LATERAL (SELECT l.procurement_id FROM payment_list l WHERE l.book = e.book AND l.instruction_id = e.instruction_id OFFSET 0) l
    CROSS JOIN LATERAL (SELECT coalesce(sum(u.amount), 0)::bigint AS returned FROM transfer u
        WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no) r
    CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount - x.undone), 0)::bigint AS settled FROM (
        SELECT x.amount, (SELECT coalesce(sum(u.amount), 0) FROM transfer u
            WHERE u.book = x.book AND u.undoes_entry_id = x.entry_id AND u.undoes_line_no = x.line_no) AS undone
        FROM transfer x WHERE x.book = t.book AND x.settles_entry_id = t.entry_id AND x.settles_line_no = t.line_no) x) s
    WHERE a.account_kind = 'advanced';

-- 清算 of prepaid releases: the year's result of an allocation, as the city's bureau declares it with a document. A version
-- counts once another person of the bureau approved it; the newest of those counts.
CREATE TABLE release_settlement (
    book            bigint  NOT NULL,
    settlement_id   uuid    NOT NULL,
    allocation_id   uuid    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),
    result_amount   bigint  NOT NULL CHECK (result_amount >= 0),   -- what the year's result is worth, fen
    document_no     text    NOT NULL CHECK (document_no <> ''),
    evidence_sha256 bytea   NOT NULL,
    declared_by     uuid    NOT NULL,
    declared_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, settlement_id),
    CONSTRAINT release_settlement_version UNIQUE (book, allocation_id, version),
    UNIQUE (book, settlement_id, declared_by),
    FOREIGN KEY (book, allocation_id) REFERENCES allocation (book, allocation_id),
    FOREIGN KEY (book, evidence_sha256) REFERENCES evidence (book, sha256),
    FOREIGN KEY (book, declared_by) REFERENCES staff (book, staff_id)
);

CREATE TABLE release_settlement_approval (
    book          bigint  NOT NULL,
    settlement_id uuid    NOT NULL,
    declared_by   uuid    NOT NULL,         -- repeated, so that a key and a check keep the two apart
    approved_by   uuid    NOT NULL,
    approved_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, settlement_id),
    FOREIGN KEY (book, settlement_id, declared_by) REFERENCES release_settlement (book, settlement_id, declared_by),
    FOREIGN KEY (book, approved_by) REFERENCES staff (book, staff_id),
    CONSTRAINT release_settlement_duties_differ CHECK (approved_by <> declared_by)
);

-- The approved result of each allocation. Who may declare and approve is read here, so that no other row ever counts.
CREATE VIEW release_settlement_current AS
    SELECT DISTINCT ON (s.book, s.allocation_id) s.*, p.approved_by, p.approved_at
    FROM release_settlement s
    JOIN release_settlement_approval p ON p.book = s.book AND p.settlement_id = s.settlement_id
    JOIN staff d ON d.book = s.book AND d.staff_id = s.declared_by AND 'maker' = ANY (d.duties)
    JOIN unit du ON du.book = d.book AND du.unit_id = d.unit_id AND du.kind = 'finance'
    JOIN staff a ON a.book = p.book AND a.staff_id = p.approved_by AND 'approver' = ANY (a.duties)
    JOIN unit au ON au.book = a.book AND au.unit_id = a.unit_id AND au.kind = 'finance'
    ORDER BY s.book, s.allocation_id, s.version DESC;

-- Every allocation of the city with prepaid releases or a settlement: what is to be topped up or comes back. `released` is
-- net of what was taken back and recovered, so a top-up or recovery settles it by itself.
CREATE VIEW release_settlement_status AS
    SELECT a.book, a.allocation_id, a.district, a.fund_code, a.fiscal_year, a.village_code, a.document_no, f.allocated, f.released,
           k.prepaid, n.settlement_id AS newest_settlement_id, n.result_amount AS newest_result, s.settlement_id, s.version, s.result_amount, s.document_no AS settlement_document_no, s.approved_at,
           greatest(s.result_amount - f.released, 0)::bigint AS topup_due,
           greatest(f.released - s.result_amount, 0)::bigint AS remainder_due,
           make_date(a.fiscal_year, 12, 31) + parameter_value('prepaid_release_settle_days', make_date(a.fiscal_year, 12, 31))::integer AS due_on,
           s.result_amount IS NOT DISTINCT FROM f.released AS settled
    FROM allocation a
    JOIN book b ON b.book = a.book AND b.level = 'city'
    CROSS JOIN LATERAL (SELECT account_key('released', NULL, a.allocation_id, NULL, a.fiscal_year) AS released,
                               account_key('unreleased', NULL, a.allocation_id, NULL, a.fiscal_year) AS unreleased) x
    CROSS JOIN LATERAL (SELECT coalesce(sum(y.received - y.given), 0)::bigint AS allocated,
                               coalesce(sum(y.received - y.given) FILTER (WHERE y.account_id = x.released), 0)::bigint AS released
        FROM account_balance y WHERE y.book = a.book AND y.account_id IN (x.released, x.unreleased)) f
    CROSS JOIN LATERAL (SELECT coalesce(sum(t.amount - t.undone), 0)::bigint AS prepaid FROM (
        SELECT t.entry_id, t.amount, (SELECT coalesce(sum(u.amount), 0) FROM transfer u
            WHERE u.book = t.book AND u.undoes_entry_id = t.entry_id AND u.undoes_line_no = t.line_no) AS undone
        FROM transfer t
        JOIN entry e ON e.book = t.book AND e.entry_id = t.entry_id AND e.entry_kind = 'release'
        JOIN instruction n ON n.book = e.book AND n.instruction_id = e.instruction_id AND n.release_kind = 'prepaid'
        WHERE t.book = a.book AND t.debit_account = x.released) t) k
    LEFT JOIN release_settlement_current s ON s.book = a.book AND s.allocation_id = a.allocation_id
    LEFT JOIN LATERAL (SELECT n.settlement_id, n.result_amount FROM release_settlement n WHERE n.book = a.book
        AND n.allocation_id = a.allocation_id ORDER BY n.version DESC LIMIT 1) n ON true
    WHERE k.prepaid > 0 OR n.settlement_id IS NOT NULL;

GRANT INSERT ON release_settlement, release_settlement_approval TO fundledger_service;
