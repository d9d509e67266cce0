-- The book grows: accounts that a payee answers for, money of past years, settlements, virements, recoveries; what a
-- payment list names beside its lines; evidence kept by its own hash. New columns are null in old rows, and what is sealed
-- or approved leaves nulls out, so that every digest and leaf of the first schema stays what it was.

ALTER TABLE unit DROP CONSTRAINT unit_kind_check;
ALTER TABLE unit ADD CONSTRAINT unit_kind_check       -- village: 村委会, proposes projects; it never touches money
    CHECK (kind IN ('finance', 'poverty_office', 'township', 'village', 'audit', 'inspection', 'admin'));

ALTER TABLE fund DROP CONSTRAINT fund_basis_check;
ALTER TABLE fund ADD CONSTRAINT fund_basis_check CHECK (basis IN ('village_standard', 'floor', 'factor', 'received'));
ALTER TABLE fund ADD COLUMN outside_five boolean NOT NULL DEFAULT false;   -- M41, M43: paid by `pay_other`, outside 五到区

ALTER TABLE parameter DROP CONSTRAINT parameter_unit_check;
ALTER TABLE parameter ADD CONSTRAINT parameter_unit_check
    CHECK (unit IN ('fen', 'percent', 'days', 'workdays', 'months', 'count', 'bytes'));

-- Accounts. `advanced` and nothing else has a payee: who holds an advance answers for its balance.
INSERT INTO account_kind VALUES
    ('advanced',   '预拨',           'Advanced to a payee',                      false, false),
    ('paid_other', '已支付（专户）', 'Paid from money outside the five',         false, true),
    ('surplus',    '结余',           'Surplus handed in',                        false, true);

ALTER TABLE account ADD COLUMN payee_id uuid;
ALTER TABLE account DROP CONSTRAINT account_book_account_kind_budget_line_id_allocation_id_proj_key;
ALTER TABLE account ADD CONSTRAINT account_once
    UNIQUE NULLS NOT DISTINCT (book, account_kind, budget_line_id, allocation_id, project_id, exec_year, payee_id);
ALTER TABLE account DROP CONSTRAINT account_check1;
ALTER TABLE account ADD CONSTRAINT account_has_project
    CHECK ((project_id IS NOT NULL) = (account_kind IN ('available', 'paid', 'advanced')));
ALTER TABLE account ADD CONSTRAINT account_has_payee CHECK ((payee_id IS NOT NULL) = (account_kind = 'advanced'));
CREATE INDEX account_payee_id ON account (payee_id) WHERE payee_id IS NOT NULL;

-- The same key as before where no payee is named.
CREATE FUNCTION account_key(p_kind text, p_budget_line uuid, p_allocation uuid, p_project uuid, p_year integer, p_payee uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT md5(p_kind || '|' || coalesce(p_budget_line::text, '') || '|' || coalesce(p_allocation::text, '')
               || '|' || coalesce(p_project::text, '') || '|' || p_year::text || coalesce('|' || p_payee::text, ''))::uuid
$$;

-- Kinds of entry. A rule with `on_project` true (false) is for legs that name a project (none).
ALTER TABLE posting_rule ADD COLUMN on_project boolean;
ALTER TABLE posting_rule DROP CONSTRAINT posting_rule_pkey;
ALTER TABLE posting_rule ADD PRIMARY KEY (entry_kind, side, payer_kind);

INSERT INTO entry_kind VALUES
    ('advance',        '预拨',           'Advance to a payee',              'district', '{finance,poverty_office,township}', true,  false),
    ('settle',         '预拨清算',       'Settle an advance',               'district', '{finance,poverty_office}',          false, false),
    ('advance_return', '预拨余款退回',   'Remainder of an advance back',    'district', '{finance}',                         false, true),
    ('pay_other',      '专户支付',       'Pay from money outside the five', 'district', '{finance,poverty_office}',          true,  false),
    ('virement',       '指标调剂',       'Virement between villages',       'city',     '{finance}',                         false, false),
    ('recover',        '指标收回',       'Recovery by the upper level',     'city',     '{finance}',                         false, false),
    ('defund',         '项目资金调回',   'Take money back from a project',  'district', '{finance,poverty_office}',          false, false),
    ('carry_over',     '结转',           'Carry-over into the next year',   'district', '{finance}',                         false, false),
    ('surplus',        '结余上缴',       'Hand in surplus',                 'city',     '{finance}',                         false, false),
    ('surplus_own',    '区级结余收回',   'Hand in the district''s own surplus', 'district', '{finance}',                     false, false);

INSERT INTO posting_rule (entry_kind, side, payer_kind, receiver_kind, on_project) VALUES
    ('advance',     1, 'available',  'advanced',       NULL),
    ('settle',      1, 'advanced',   'paid',           NULL),
    ('pay_other',   1, 'executable', 'paid_other',     NULL),
    ('virement',    1, 'unreleased', 'unreleased',     NULL),
    ('recover',     1, 'released',   'unreleased',     NULL),
    ('recover',     2, 'executable', 'upper_transfer', NULL),
    ('defund',      1, 'available',  'executable',     NULL),
    ('carry_over',  1, 'executable', 'executable',     false),
    ('carry_over',  1, 'available',  'available',      true),
    ('surplus',     1, 'unreleased', 'surplus',        NULL),
    ('surplus_own', 1, 'executable', 'surplus',        NULL);

ALTER TABLE instruction DROP CONSTRAINT instruction_release_kind_check;
ALTER TABLE instruction ADD CONSTRAINT instruction_release_kind_check   -- topup: 清算补足 of a prepaid release
    CHECK (release_kind IN ('early', 'instalment', 'prepaid', 'full', 'topup'));

ALTER TABLE instruction_leg
    ADD COLUMN exec_year smallint CHECK (exec_year BETWEEN 2000 AND 2999),   -- of the payer's account; null: the current one
    ADD COLUMN to_allocation_id uuid,       -- virement: where to
    ADD COLUMN payee_id uuid,               -- advance: who will answer for it
    ADD COLUMN settles_entry_id uuid,       -- settle: which advance
    ADD COLUMN settles_line_no integer;
CREATE INDEX instruction_leg_settles ON instruction_leg (settles_entry_id) WHERE settles_entry_id IS NOT NULL;

ALTER TABLE entry DROP CONSTRAINT entry_payment_has_payer;
ALTER TABLE entry ADD CONSTRAINT entry_payment_has_payer
    CHECK ((entry_kind IN ('pay', 'advance', 'pay_other')) = (payer_id IS NOT NULL));

ALTER TABLE transfer
    ADD COLUMN settles_entry_id uuid,
    ADD COLUMN settles_line_no integer,
    ADD COLUMN reissues_entry_id uuid,      -- re-issue (重发): the returned line that this one pays again
    ADD COLUMN reissues_line_no integer;
CREATE UNIQUE INDEX transfer_reissues ON transfer (book, reissues_entry_id, reissues_line_no) WHERE reissues_entry_id IS NOT NULL;
CREATE INDEX transfer_settles ON transfer (settles_entry_id, settles_line_no) WHERE settles_entry_id IS NOT NULL;

-- What a payment list names beside its lines: its contract or exemption, and the claim it pays (报账单).
ALTER TABLE payment_list ALTER COLUMN project_id DROP NOT NULL;   -- pay_other knows no project
ALTER TABLE payment_list ADD COLUMN procurement_id uuid, ADD COLUMN claim_id uuid;
CREATE INDEX payment_list_procurement_id ON payment_list (procurement_id) WHERE procurement_id IS NOT NULL;
CREATE INDEX payment_list_claim_id ON payment_list (claim_id) WHERE claim_id IS NOT NULL;
ALTER TABLE payment_line ADD COLUMN reissues_entry_id uuid, ADD COLUMN reissues_line_no integer,
    ADD CONSTRAINT payment_line_reissues_whole CHECK ((reissues_entry_id IS NULL) = (reissues_line_no IS NULL));

ALTER TABLE log_queue DROP CONSTRAINT log_queue_kind_check;
ALTER TABLE log_queue ADD CONSTRAINT log_queue_kind_check
    CHECK (kind IN ('entry', 'approval', 'refusal', 'notice', 'parameter', 'period_close', 'year_close'));

-- Evidence (佐证材料): kept under its own SHA-256, once a book. The database computes the hash again.
CREATE TABLE evidence (
    book        bigint NOT NULL REFERENCES book (book),
    sha256      bytea  NOT NULL CHECK (sha256 = sha256(content)),
    media_type  text   NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes = octet_length(content) AND size_bytes > 0),
    content     bytea  NOT NULL,
    title       text   NOT NULL,
    recorded_by uuid   NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, sha256),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);
ALTER TABLE evidence ALTER COLUMN content SET STORAGE EXTERNAL;   -- PDF and images do not shrink
GRANT INSERT ON evidence TO fundledger_service;

CREATE OR REPLACE VIEW allocation_status AS
    SELECT a.book, a.allocation_id, a.origin_book, a.district, a.fund_code, a.fiscal_year, a.village_code, a.document_no,
           a.supplementary_document_no, a.budget_line_id, a.entry_id, f.allocated, f.released, f.executable, f.funded, f.paid,
           f.advanced, f.surplus
    FROM allocation a
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.balance) FILTER (WHERE x.kind IN ('unreleased', 'released') OR (x.kind = 'surplus' AND a.origin_book <> a.district)), 0)::bigint
                   - coalesce(sum(x.balance) FILTER (WHERE x.kind = 'budget_source'), 0)::bigint AS allocated,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'released'), 0)::bigint
                   - coalesce(sum(x.balance) FILTER (WHERE x.kind = 'budget_source'), 0)::bigint AS released,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'executable'), 0)::bigint AS executable,
               coalesce(sum(x.balance) FILTER (WHERE x.kind IN ('available', 'advanced', 'paid')), 0)::bigint AS funded,
               coalesce(sum(x.balance) FILTER (WHERE x.kind IN ('paid', 'paid_other')), 0)::bigint AS paid,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'advanced'), 0)::bigint AS advanced,
               coalesce(sum(x.balance) FILTER (WHERE x.kind = 'surplus'), 0)::bigint AS surplus
        FROM (SELECT c.account_kind AS kind, b.received - b.given AS balance FROM account c
              JOIN account_balance b ON b.book = c.book AND b.account_id = c.account_id
              WHERE c.allocation_id = a.allocation_id) x) f;
