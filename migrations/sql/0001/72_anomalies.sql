-- Anomalies (疑点): what looks wrong, for inspectors and auditors. One view per rule, all with the same columns, united by
-- the view `anomaly`; names, meaning, false alarms and sources stand in fundledger.leads.rules. A hit accuses nobody.
--
-- Columns: rule; book of the hit; subject_kind, subject_id, subject_no; happened_on; amount (fen at issue, may be null);
-- evidence (record ids, document numbers, names of officials, amounts as *_fen; no personal data, never a card);
-- sort_key, unique within rule and book.
--
-- Two settings of the session stand for parameters, so that anybody's SQL can ask the same question again:
--   SET fundledger.day = '2019-12-31';     deadlines are measured on that day (default: today in Shanghai)
--   SET fundledger.idle_days = '180';     instead of the parameter idle_alert_days
-- The view below stands in scalar subqueries, so that it is computed once a query and not once a row.

CREATE VIEW anomaly_setting AS
    SELECT s.day, coalesce(nullif(current_setting('fundledger.idle_days', true), '')::bigint,
                           parameter_value('idle_alert_days', s.day))::integer AS idle_days
    FROM (SELECT coalesce(nullif(current_setting('fundledger.day', true), '')::date, shanghai_today()) AS day OFFSET 0) s;

-- A policy limit of these rules that the schema had no row for yet; like every parameter it is a record of the log.
INSERT INTO parameter (code, version, value, unit, valid_from, valid_to, source, note) VALUES
    ('reissue_days', 1, 30, 'days', '2016-01-01', NULL, 'agent-bank agreement (demonstration)', 'from the bank''s return to the re-issue');
INSERT INTO log_queue (order_no, book, kind, record_id)
SELECT nextval('record_order'), 420100, 'parameter', parameter_id FROM parameter WHERE code = 'reissue_days';

CREATE INDEX refusal_day ON refusal (((refused_at AT TIME ZONE 'Asia/Shanghai')::date), book);
CREATE INDEX bank_result_returned ON bank_result (settled_on) WHERE outcome = 'returned';
CREATE INDEX registry_status_ended ON registry_status (subject_id) WHERE status IN ('removed', 'deceased');
CREATE INDEX roster_member_struck_off ON roster_member (payee_id) WHERE action = 'struck_off';

-- What several rules look at: a line of a posted payment list that has not come back whole, and how to find it again.
-- Rules that know their few lines join it LATERAL with OFFSET 0: they are sought by index, and nothing else is looked at.
CREATE VIEW anomaly_standing_line AS
    SELECT e.book, e.entry_id, e.instruction_id, e.effective_on, e.document_no, p.project_id, p.payee_kind, p.entitlement_on,
           l.line_no, l.amount, l.payee_id, l.household_id, h.household_no, l.quantity, l.programme_code, l.period,
           l.exception_document_no, l.card_hash,
           jsonb_build_object('book', e.book::text, 'entry_id', e.entry_id, 'line_no', l.line_no, 'document_no', e.document_no,
               'paid_on', e.effective_on, 'programme_code', l.programme_code, 'period', l.period, 'household_no', h.household_no,
               'amount_fen', l.amount) AS evidence
    FROM payment_line l
    JOIN entry e ON e.book = l.book AND e.instruction_id = l.instruction_id AND e.entry_kind = 'pay'
    JOIN payment_list p ON p.book = l.book AND p.instruction_id = l.instruction_id
    LEFT JOIN household h ON h.book = l.book AND h.household_id = l.household_id
    WHERE l.amount > coalesce((SELECT sum(u.amount) FROM transfer u
        WHERE u.book = e.book AND u.undoes_entry_id = e.entry_id AND u.undoes_line_no = l.line_no), 0);

CREATE VIEW anomaly_people AS                -- who answers for an entry: officials, by name
    SELECT e.book, e.entry_id, jsonb_build_object('maker', m.name, 'approver', a.name, 'payer', y.name, 'officer', o.name) AS people
    FROM entry e
    LEFT JOIN staff m ON m.book = e.book AND m.staff_id = e.maker_id
    LEFT JOIN staff a ON a.book = e.book AND a.staff_id = e.approver_id
    LEFT JOIN staff y ON y.book = e.book AND y.staff_id = e.payer_id
    LEFT JOIN LATERAL (SELECT t.name FROM officer_term t WHERE t.book = e.book AND t.officer_id = e.officer_id
                       ORDER BY t.version DESC LIMIT 1) o ON true;

-- REF-01: which person of which unit tried what the rules refuse, how often. A hit per person, action, code and day of the
-- first try; the same call again is counted in its record (refusal_count), whenever it came.
CREATE VIEW anomaly_refused_attempt AS
    SELECT 'REF-01'::text AS rule, g.book, 'staff'::text AS subject_kind, g.staff_id AS subject_id, g.document_no AS subject_no,
           g.day AS happened_on, g.amount,
           jsonb_build_object('code', g.code, 'action', g.action, 'attempts', g.attempts, 'call_count', g.calls,
               'first_at', g.first_at, 'last_at', g.last_at, 'person', s.name, 'unit', u.name, 'unit_kind', u.kind,
               'calls', to_jsonb(g.records[1:50])) AS evidence,
           g.staff_id || ':' || g.action || ':' || g.code AS sort_key
    FROM (
        SELECT r.book, r.staff_id, r.unit_id, r.action, r.code, (r.refused_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
               count(*) AS calls, sum(1 + coalesce(c.repeats, 0)) AS attempts, min(r.refused_at) AS first_at,
               max(coalesce(c.last_at, r.refused_at)) AS last_at, max(n.total) AS amount, min(n.document_no) AS document_no,
               array_agg(jsonb_build_object('refusal_id', r.refusal_id, 'at', r.refused_at, 'attempts', 1 + coalesce(c.repeats, 0),
                   'subject_id', r.subject_id, 'document_no', n.document_no, 'params', r.detail -> 'params', 'codes', r.detail -> 'codes')
                   ORDER BY r.order_no) AS records
        FROM refusal r
        LEFT JOIN refusal_count c ON c.book = r.book AND c.refusal_id = r.refusal_id
        LEFT JOIN instruction n ON n.book = r.book AND n.instruction_id = r.subject_id
        GROUP BY r.book, r.staff_id, r.unit_id, r.action, r.code, (r.refused_at AT TIME ZONE 'Asia/Shanghai')::date) g
    JOIN staff s ON s.book = g.book AND s.staff_id = g.staff_id
    JOIN unit u ON u.book = g.book AND u.unit_id = g.unit_id;

-- IDL-03: money of an allocation that lies unspent in its district. The legal age runs from 1 January of the
-- allocation's fiscal year, not from the day it came; the balance is that of the asked day.
CREATE VIEW anomaly_idle_money AS
    SELECT 'IDL-03'::text AS rule, a.book, 'allocation'::text AS subject_kind, a.allocation_id AS subject_id,
           a.document_no AS subject_no, make_date(a.fiscal_year, 1, 1) + (SELECT idle_days FROM anomaly_setting) + 1 AS happened_on,
           m.balance AS amount,
           jsonb_build_object('allocation_id', a.allocation_id, 'document_no', a.document_no, 'fund_code', a.fund_code,
               'fiscal_year', a.fiscal_year, 'village_code', a.village_code, 'account_kind', m.account_kind,
               'balance_fen', m.balance, 'on', (SELECT day FROM anomaly_setting), 'idle_days', (SELECT day FROM anomaly_setting) - make_date(a.fiscal_year, 1, 1),
               'limit_days', (SELECT idle_days FROM anomaly_setting), 'last_movement_on', m.last_movement_on, 'accounts', m.accounts) AS evidence,
           a.allocation_id || ':' || m.account_kind AS sort_key
    FROM allocation a
    CROSS JOIN LATERAL (
        SELECT x.account_kind, sum(x.balance)::bigint AS balance, max(x.last_effective_on) AS last_movement_on,
               jsonb_agg(jsonb_build_object('account_id', x.account_id, 'project_id', x.project_id, 'exec_year', x.exec_year,
                   'balance_fen', x.balance) ORDER BY x.exec_year, x.account_id) AS accounts
        FROM (SELECT c.account_kind, c.account_id, c.project_id, c.exec_year, b.last_effective_on,
                     CASE WHEN b.last_effective_on <= (SELECT day FROM anomaly_setting) THEN b.received - b.given
                          ELSE coalesce((SELECT sum(d.received - d.given) FROM account_day d WHERE d.book = c.book
                               AND d.account_id = c.account_id AND d.day <= (SELECT day FROM anomaly_setting)), 0)::bigint END AS balance
              FROM account c JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
              WHERE c.book = a.book AND c.allocation_id = a.allocation_id AND c.account_kind IN ('executable', 'available')) x
        WHERE x.balance > 0 GROUP BY x.account_kind) m
    WHERE a.book = a.district
      -- make_date(fiscal_year, 1, 1) + days < day, said so that the index helps
      AND a.fiscal_year <= extract(year FROM (SELECT day FROM anomaly_setting) - (SELECT idle_days FROM anomaly_setting) - 1)::smallint;

-- FCL-12: one card takes the money of several households, of other districts too. A hit per card and book; the card is a
-- name made from its keyed hash.
CREATE VIEW anomaly_shared_card AS
    WITH shared AS MATERIALIZED (
        SELECT l.card_hash FROM payment_line l WHERE l.card_hash IS NOT NULL
        GROUP BY l.card_hash HAVING count(DISTINCT l.household_id) > 1
    ), line AS MATERIALIZED (
        SELECT s.* FROM shared c CROSS JOIN LATERAL (
            SELECT * FROM anomaly_standing_line s WHERE s.card_hash = c.card_hash AND s.household_id IS NOT NULL OFFSET 0) s
    ), family AS (
        SELECT l.card_hash, l.book, l.household_id, l.household_no, min(l.effective_on) AS first_on, sum(l.amount)::bigint AS amount,
               count(*) AS payments FROM line l GROUP BY 1, 2, 3, 4
    ), card AS (
        SELECT f.card_hash, (array_agg(f.first_on ORDER BY f.first_on))[2] AS second_on, count(*) AS households,
               count(DISTINCT f.book) AS districts, sum(f.amount)::bigint AS amount,
               jsonb_agg(jsonb_build_object('book', f.book::text, 'household_no', f.household_no, 'household_id', f.household_id,
                   'payments', f.payments, 'amount_fen', f.amount, 'first_on', f.first_on) ORDER BY f.first_on, f.book, f.household_no) AS list
        FROM family f GROUP BY f.card_hash HAVING count(*) > 1)
    SELECT 'FCL-12'::text AS rule, b.book, 'card'::text AS subject_kind, md5('card' || encode(c.card_hash, 'hex'))::uuid AS subject_id,
           NULL::text AS subject_no, greatest(c.second_on, b.first_on) AS happened_on, b.amount,
           jsonb_build_object('household_count', c.households, 'district_count', c.districts, 'total_fen', c.amount, 'households', c.list,
               'payments', (SELECT jsonb_agg(l.evidence ORDER BY l.effective_on, l.book, l.entry_id, l.line_no)
                   FROM (SELECT * FROM line l WHERE l.card_hash = c.card_hash ORDER BY l.effective_on, l.book, l.entry_id, l.line_no LIMIT 50) l)
           ) AS evidence,
           md5('card' || encode(c.card_hash, 'hex')) AS sort_key
    FROM card c
    JOIN (SELECT f.card_hash, f.book, min(f.first_on) AS first_on, sum(f.amount)::bigint AS amount FROM family f GROUP BY 1, 2) b
      ON b.card_hash = c.card_hash;

-- FCL-10: one person paid more than once for one programme and period: in two districts (by keyed hash of the identity
-- number, which is compared and never shown; a household stands for its head), or in one, which the gate forbids. What
-- came back whole does not count.
CREATE VIEW anomaly_paid_twice AS
    WITH candidate AS MATERIALIZED (
        SELECT l.payee_id FROM (SELECT l.payee_id, row_number() OVER (PARTITION BY l.payee_id, l.programme_code, l.period) AS n
                                FROM payment_line l) l WHERE l.n = 2      -- in the order of an index: nothing is sorted
        UNION
        SELECT v.payee_id FROM person p
        CROSS JOIN LATERAL (VALUES (p.person_id), (CASE WHEN p.is_head THEN p.household_id END)) v (payee_id)
        WHERE v.payee_id IS NOT NULL
          AND p.identity_hash IN (SELECT q.identity_hash FROM person q GROUP BY q.identity_hash HAVING count(*) > 1)
    ), claim AS MATERIALIZED (
        SELECT s.*, coalesce(i.identity_hash, uuid_send(s.payee_id)) AS claimant
        FROM candidate c
        CROSS JOIN LATERAL (
            SELECT * FROM anomaly_standing_line s WHERE s.payee_id = c.payee_id AND s.payee_kind <> 'organisation' OFFSET 0) s
        LEFT JOIN LATERAL (
            SELECT p.identity_hash FROM person p WHERE p.book = s.book AND p.person_id = s.payee_id
            UNION ALL
            SELECT p.identity_hash FROM person p WHERE p.book = s.book AND p.household_id = s.payee_id AND p.is_head) i ON true
    ), twice AS (
        SELECT c.claimant, c.programme_code, c.period, (array_agg(c.effective_on ORDER BY c.effective_on))[2] AS second_on,
               count(*) AS payments, count(DISTINCT c.book) AS districts, sum(c.amount)::bigint AS amount,
               jsonb_agg(c.evidence ORDER BY c.effective_on, c.book, c.entry_id, c.line_no) AS list
        FROM claim c GROUP BY 1, 2, 3 HAVING count(*) > 1
    ), here AS (
        SELECT c.claimant, c.programme_code, c.period, c.book, min(c.payee_kind) AS payee_kind,
               (array_agg(c.payee_id ORDER BY c.payee_id))[1] AS payee_id, min(c.household_no) AS household_no,
               min(c.effective_on) AS first_on, sum(c.amount)::bigint AS amount
        FROM claim c GROUP BY 1, 2, 3, 4)
    SELECT 'FCL-10'::text AS rule, h.book, h.payee_kind AS subject_kind, h.payee_id AS subject_id, h.household_no AS subject_no,
           greatest(t.second_on, h.first_on) AS happened_on, h.amount,
           jsonb_build_object('programme_code', t.programme_code, 'period', t.period, 'payment_count', t.payments,
               'district_count', t.districts, 'total_fen', t.amount, 'payments', t.list) AS evidence,
           t.programme_code || ':' || t.period || ':' || h.payee_id AS sort_key
    FROM twice t
    JOIN here h ON h.claimant = t.claimant AND h.programme_code = t.programme_code AND h.period = t.period;

-- UND-08: sent to the bank and not answered within the agreed days. A hit per payment entry, for a bank's silence is
-- about a list more often than about a line.
CREATE VIEW anomaly_unconfirmed AS
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
    WHERE e.entry_kind = 'pay' AND e.effective_on < (SELECT day FROM anomaly_setting) AND e.effective_on + d.days < (SELECT day FROM anomaly_setting)
      AND m.lines > 0;

-- STD-01: more than the standard of the entitlement date allows, with or without a document that excepts it.
CREATE VIEW anomaly_above_standard AS
    SELECT 'STD-01'::text AS rule, s.book, s.payee_kind AS subject_kind, s.payee_id AS subject_id, s.household_no AS subject_no,
           e.effective_on AS happened_on, s.amount - x.standard * s.quantity AS amount,
           s.evidence || jsonb_build_object('standard_fen', x.standard, 'quantity', s.quantity, 'entitlement_on', s.entitlement_on,
               'excess_fen', s.amount - x.standard * s.quantity, 'exception_document_no', s.exception_document_no, 'people',
               (SELECT y.people FROM anomaly_people y WHERE y.book = s.book AND y.entry_id = s.entry_id)) AS evidence,
           s.entry_id || ':' || lpad(s.line_no::text, 7, '0') AS sort_key
    FROM entry e
    JOIN payment_list p ON p.book = e.book AND p.instruction_id = e.instruction_id
    JOIN programme g ON g.programme_code = p.programme_code AND g.standard_parameter IS NOT NULL
    CROSS JOIN LATERAL (SELECT coalesce(parameter_value(g.standard_parameter, p.entitlement_on), 0) AS standard OFFSET 0) x
    CROSS JOIN LATERAL (SELECT * FROM anomaly_standing_line s WHERE s.book = p.book AND s.instruction_id = p.instruction_id
        AND s.amount > x.standard * s.quantity OFFSET 0) s
    WHERE e.entry_kind = 'pay';

-- FCL-03: paid for a day on which the payee was struck off, removed or dead, as is known now (the gate refuses what was
-- known then). Leaving poverty (脱贫) ends nothing through 2020.
CREATE VIEW anomaly_paid_ineligible AS
    WITH ended AS (
        SELECT s.book, s.subject_id, NULL::text AS programme_code, s.valid_from, s.version, s.status AS reason, s.document_no, s.recorded_at
        FROM registry_status s
        WHERE s.status IN ('removed', 'deceased')
        UNION ALL
        SELECT r.book, r.payee_id, r.programme_code, r.valid_from, r.version, r.action, r.document_no, r.recorded_at
        FROM roster_member r
        WHERE r.action = 'struck_off'
    ), payee AS (
        SELECT d.*, d.subject_id AS payee_id FROM ended d
        UNION ALL
        SELECT d.*, p.person_id FROM ended d
        JOIN person p ON p.book = d.book AND p.household_id = d.subject_id WHERE d.programme_code IS NULL)
    SELECT 'FCL-03'::text AS rule, s.book, s.payee_kind AS subject_kind, s.payee_id AS subject_id, s.household_no AS subject_no,
           s.effective_on AS happened_on, s.amount,
           s.evidence || jsonb_build_object('reason', d.reason, 'since', d.valid_from, 'entitlement_on', s.entitlement_on,
               'status_document_no', d.document_no, 'status_recorded_at', d.recorded_at, 'people',
               (SELECT y.people FROM anomaly_people y WHERE y.book = s.book AND y.entry_id = s.entry_id)) AS evidence,
           s.entry_id || ':' || lpad(s.line_no::text, 7, '0') || ':' || d.reason || ':' || d.subject_id AS sort_key
    FROM payee d
    JOIN anomaly_standing_line s ON s.book = d.book AND s.payee_id = d.payee_id AND s.entitlement_on >= d.valid_from
     AND (d.programme_code IS NULL OR s.programme_code = d.programme_code)
    WHERE (d.programme_code IS NOT NULL OR NOT EXISTS (SELECT FROM registry_status n WHERE n.book = d.book AND n.subject_id = d.subject_id
            AND n.valid_from <= s.entitlement_on AND (n.valid_from, n.version) > (d.valid_from, d.version)))
      AND (d.programme_code IS NULL OR NOT EXISTS (SELECT FROM roster_member n WHERE n.book = d.book AND n.programme_code = d.programme_code
            AND n.payee_id = d.subject_id AND n.valid_from <= s.entitlement_on AND (n.valid_from, n.version) > (d.valid_from, d.version)));

-- IDL-11: the bank returned it, and nobody paid it again in time.
CREATE VIEW anomaly_not_reissued AS
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
      AND NOT EXISTS (SELECT FROM (SELECT * FROM anomaly_standing_line s WHERE s.payee_id = l.payee_id
              AND s.programme_code = l.programme_code AND s.period = l.period OFFSET 0) s
          WHERE s.book = l.book AND s.entry_id <> r.entry_id AND s.effective_on BETWEEN e.effective_on AND (SELECT day FROM anomaly_setting));

-- STD-10: the fiscal year is over and a listed village was released less than the standard (M01, M02).
CREATE VIEW anomaly_village_quota AS
    WITH due AS MATERIALIZED (
        SELECT y.fund_code, y.fiscal_year, parameter_value(f.standard_parameter, make_date(y.fiscal_year, 1, 1)) AS standard
        FROM (SELECT DISTINCT v.fund_code, v.fiscal_year FROM village_list v) y
        JOIN fund f ON f.fund_code = y.fund_code AND f.standard_parameter IS NOT NULL
        WHERE make_date(y.fiscal_year + 1, 1, 1) <= (SELECT day FROM anomaly_setting)
    ), got AS (
        SELECT a.book, a.village_code, a.fund_code, a.fiscal_year, sum(b.received - b.given)::bigint AS allocated,
               coalesce(sum(b.received - b.given) FILTER (WHERE c.account_kind = 'released'), 0)::bigint AS released,
               jsonb_agg(DISTINCT a.document_no) AS documents
        FROM allocation a
        JOIN account c ON c.book = a.origin_book AND c.allocation_id = a.allocation_id AND c.account_kind IN ('unreleased', 'released')
        JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
        WHERE a.book = a.district AND a.village_code IS NOT NULL
        GROUP BY a.book, a.village_code, a.fund_code, a.fiscal_year)
    SELECT 'STD-10'::text AS rule, v.book, 'village'::text AS subject_kind, NULL::uuid AS subject_id, v.village_code AS subject_no,
           make_date(v.fiscal_year + 1, 1, 1) AS happened_on, d.standard - coalesce(g.released, 0) AS amount,
           jsonb_build_object('fund_code', v.fund_code, 'fiscal_year', v.fiscal_year, 'village_code', v.village_code, 'village', w.name,
               'list_document_no', v.document_no, 'standard_fen', d.standard, 'allocated_fen', coalesce(g.allocated, 0),
               'released_fen', coalesce(g.released, 0), 'missing_fen', d.standard - coalesce(g.released, 0),
               'document_nos', coalesce(g.documents, '[]')) AS evidence,
           v.fund_code || ':' || v.fiscal_year || ':' || v.village_code AS sort_key
    FROM village_list_current v
    JOIN due d ON d.fund_code = v.fund_code AND d.fiscal_year = v.fiscal_year
    JOIN division w ON w.book = v.book AND w.code = v.village_code
    LEFT JOIN got g ON g.book = v.book AND g.village_code = v.village_code AND g.fund_code = v.fund_code AND g.fiscal_year = v.fiscal_year
    WHERE coalesce(g.released, 0) < d.standard;

-- STD-11: a district adopted less of its own money than the floor over its declared figure (M03, M04).
CREATE VIEW anomaly_below_floor AS
    SELECT 'STD-11'::text AS rule, t.book, 'fund'::text AS subject_kind, NULL::uuid AS subject_id, t.fund_code AS subject_no,
           coalesce(m.first_on, make_date(t.fiscal_year + 1, 1, 1)) AS happened_on, t.shortfall AS amount,
           jsonb_build_object('fund_code', t.fund_code, 'fiscal_year', t.fiscal_year, 'declared_fen', t.declared, 'is_final', t.is_final,
               'figure_document_no', t.document_no, 'floor_fen', t.floor_amount, 'adopted_fen', t.adopted, 'shortfall_fen', t.shortfall,
               'adoptions', coalesce(m.adoptions, '[]')) AS evidence,
           t.fund_code || ':' || t.fiscal_year AS sort_key
    FROM floor_test t
    CROSS JOIN LATERAL (
        SELECT min(e.effective_on) AS first_on, jsonb_agg(jsonb_build_object('entry_id', e.entry_id, 'document_no', e.document_no,
               'exception_document_no', a.supplementary_document_no, 'effective_on', e.effective_on) ORDER BY e.order_no) AS adoptions
        FROM allocation a JOIN entry e ON e.book = a.book AND e.entry_id = a.entry_id
        WHERE a.book = t.book AND a.fund_code = t.fund_code AND a.fiscal_year = t.fiscal_year) m
    WHERE t.shortfall > 0 AND (t.adopted > 0 OR t.is_final OR make_date(t.fiscal_year + 1, 1, 1) <= (SELECT day FROM anomaly_setting));

CREATE VIEW anomaly AS
    SELECT * FROM anomaly_refused_attempt UNION ALL SELECT * FROM anomaly_idle_money UNION ALL SELECT * FROM anomaly_shared_card
    UNION ALL SELECT * FROM anomaly_paid_twice UNION ALL SELECT * FROM anomaly_unconfirmed
    UNION ALL SELECT * FROM anomaly_above_standard UNION ALL SELECT * FROM anomaly_paid_ineligible
    UNION ALL SELECT * FROM anomaly_not_reissued UNION ALL SELECT * FROM anomaly_village_quota
    UNION ALL SELECT * FROM anomaly_below_floor;
