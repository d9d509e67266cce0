-- The book: accounts, instructions (what people asked and approved), entries and transfers (what was posted).
-- Only the gate (60_ to 66_) writes entries, transfers, allocations, approvals and totals. No foreign key leads from a
-- transfer to its account or entry: the gate has locked the one and writes the other, and a key check per row would
-- cost a third of the speed; `fundledger verify --database` re-derives it.
-- Secondary indexes leave `book` out: on a small table every index that has a condition's column costs the same, and a
-- plan cached then would read a whole book later. Primary and unique keys start with `book`.

CREATE SEQUENCE record_order;               -- drawn while the locks are held: on one account, order_no follows lock order

CREATE TABLE instruction (                  -- 制单: a draft, immutable; nothing is posted that is not one of these
    book             bigint  NOT NULL REFERENCES book (book),
    instruction_id   uuid    NOT NULL,
    entry_kind       text    NOT NULL REFERENCES entry_kind (entry_kind),
    document_no      text    NOT NULL CHECK (document_no <> ''),   -- 文号
    effective_on     date    NOT NULL CHECK (effective_on BETWEEN '2000-01-01' AND '2999-12-31'),   -- never infinity
    summary          text    NOT NULL,
    functional_class text    NOT NULL CHECK (functional_class ~ '^[0-9]{3,7}$'),
    economic_class   text    NOT NULL CHECK (economic_class ~ '^[0-9]{3,5}$'),
    officer_id       uuid    NOT NULL,      -- 责任人, officer of this book
    supervisor_id    uuid,                  -- 监管责任人
    release_kind     text    CHECK (release_kind IN ('early', 'instalment', 'prepaid', 'full')),
    exception_document_no text,             -- the document that allows what the standard forbids
    inputs           text    NOT NULL DEFAULT '',                  -- canonical JSON: factors, weights, floors
    line_count       integer NOT NULL CHECK (line_count > 0),
    total            bigint  NOT NULL CHECK (total > 0),
    maker_id         uuid    NOT NULL,
    made_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, instruction_id),
    FOREIGN KEY (book, maker_id) REFERENCES staff (book, staff_id)
);

CREATE TABLE instruction_leg (              -- one pair of accounts the instruction moves money between
    book            bigint   NOT NULL,
    instruction_id  uuid     NOT NULL,
    leg_no          integer  NOT NULL CHECK (leg_no >= 1),
    amount          bigint   NOT NULL CHECK (amount > 0),
    budget_line_id  uuid,
    allocation_id   uuid,
    project_id      uuid,
    fund_code       text     REFERENCES fund (fund_code),
    fiscal_year     smallint CHECK (fiscal_year BETWEEN 2000 AND 2999),
    district        bigint,                 -- whose allocation it becomes
    village_code    text,
    allocation_document_no text,            -- 指标文号 of the new allocation
    undoes_entry_id uuid,
    undoes_line_no  integer,
    PRIMARY KEY (book, instruction_id, leg_no),
    FOREIGN KEY (book, instruction_id) REFERENCES instruction (book, instruction_id)
);

CREATE INDEX instruction_leg_undoes ON instruction_leg (undoes_entry_id) WHERE undoes_entry_id IS NOT NULL;

CREATE TABLE approval (                     -- 审批: names the SHA-256 of exactly what was approved
    book           bigint NOT NULL,
    approval_id    uuid   NOT NULL,
    instruction_id uuid   NOT NULL,
    content_sha256 bytea  NOT NULL CHECK (length(content_sha256) = 32),
    approver_id    uuid   NOT NULL,
    order_no       bigint NOT NULL,
    approved_at    timestamptz NOT NULL,
    checked_xmin   xid8,                    -- of a payment list: every registry row that its check did not see has a xid at or above
    PRIMARY KEY (book, approval_id),
    UNIQUE (book, instruction_id)           -- no foreign keys: the gate has read both, and a check would lock the approver's row
);

CREATE TABLE rejection (                    -- 退回: the approver sends a draft back; it can never be posted
    book           bigint NOT NULL,
    instruction_id uuid   NOT NULL,
    approver_id    uuid   NOT NULL,
    reason         text   NOT NULL,
    rejected_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, instruction_id),
    FOREIGN KEY (book, instruction_id) REFERENCES instruction (book, instruction_id)
);

CREATE TABLE budget_line (                  -- 预算科目: adopted per fund and fiscal year
    book           bigint   NOT NULL,
    budget_line_id uuid     NOT NULL,
    fund_code      text     NOT NULL REFERENCES fund (fund_code),
    fiscal_year    smallint NOT NULL,
    document_no    text     NOT NULL,
    PRIMARY KEY (book, budget_line_id),
    UNIQUE (book, fund_code, fiscal_year, document_no)
);

CREATE TABLE allocation (                   -- 指标: one fund, year, district and document, and one village where it is per village
    book          bigint   NOT NULL REFERENCES book (book),   -- a row in the city's book and the same in the district's
    allocation_id uuid     NOT NULL,
    origin_book   bigint   NOT NULL,
    district      bigint   NOT NULL,
    fund_code     text     NOT NULL REFERENCES fund (fund_code),
    fiscal_year   smallint NOT NULL,
    village_code  text,
    document_no   text     NOT NULL,
    supplementary_document_no text,
    budget_line_id uuid,
    entry_id      uuid     NOT NULL,
    PRIMARY KEY (book, allocation_id)
);
CREATE UNIQUE INDEX allocation_once_per_village ON allocation (book, fund_code, fiscal_year, village_code)
    WHERE village_code IS NOT NULL AND supplementary_document_no IS NULL;
CREATE INDEX allocation_village_code ON allocation (village_code) WHERE village_code IS NOT NULL;
CREATE INDEX allocation_document_no ON allocation (document_no);

CREATE TABLE account (                      -- 账户: (book, kind, allocation or budget line, project, execution year)
    book           bigint NOT NULL,
    account_id     uuid   NOT NULL,         -- derived from the rest: account_key()
    account_kind   text   NOT NULL REFERENCES account_kind (account_kind),
    budget_line_id uuid,
    allocation_id  uuid,
    project_id     uuid,
    exec_year      smallint NOT NULL,
    PRIMARY KEY (book, account_id),
    UNIQUE NULLS NOT DISTINCT (book, account_kind, budget_line_id, allocation_id, project_id, exec_year),
    CHECK ((budget_line_id IS NULL) <> (allocation_id IS NULL)),
    CHECK ((project_id IS NOT NULL) = (account_kind IN ('available', 'paid')))
);
CREATE INDEX account_allocation_id ON account (allocation_id);
CREATE INDEX account_project_id ON account (project_id) WHERE project_id IS NOT NULL;

CREATE FUNCTION account_key(p_kind text, p_budget_line uuid, p_allocation uuid, p_project uuid, p_year integer) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT md5(p_kind || '|' || coalesce(p_budget_line::text, '') || '|' || coalesce(p_allocation::text, '')
               || '|' || coalesce(p_project::text, '') || '|' || p_year::text)::uuid
$$;

CREATE TABLE account_balance (              -- derived, mutable: the two totals that never fall
    book        bigint  NOT NULL,
    account_id  uuid    NOT NULL,
    is_source   boolean NOT NULL,
    received    bigint  NOT NULL DEFAULT 0 CHECK (received >= 0),   -- sum of debits
    given       bigint  NOT NULL DEFAULT 0 CHECK (given >= 0),      -- sum of credits
    given_undone bigint NOT NULL DEFAULT 0 CHECK (given_undone BETWEEN 0 AND given),  -- of which undoing an earlier receipt
    last_effective_on date NOT NULL DEFAULT '0001-01-01',
    PRIMARY KEY (book, account_id),
    CONSTRAINT account_balance_not_negative CHECK (is_source OR received >= given)
) WITH (fillfactor = 50);

CREATE TABLE account_day (                  -- derived, mutable: the same totals by effective day
    book       bigint NOT NULL,
    account_id uuid   NOT NULL,
    day        date   NOT NULL,
    received   bigint NOT NULL DEFAULT 0,
    given      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (book, account_id, day)
) WITH (fillfactor = 50);

CREATE TABLE period (                       -- 会计期间, a month; a lock to share or to take whole
    book  bigint NOT NULL REFERENCES book (book),
    month date   NOT NULL CHECK (extract(day FROM month) = 1 AND isfinite(month)),
    PRIMARY KEY (book, month)
);

CREATE TABLE period_close (                 -- 结账
    book        bigint NOT NULL,
    month       date   NOT NULL,
    period_close_id uuid NOT NULL UNIQUE,
    closed_by   uuid   NOT NULL,
    document_no text   NOT NULL,
    order_no    bigint NOT NULL,
    closed_at   timestamptz NOT NULL,
    PRIMARY KEY (book, month),
    FOREIGN KEY (book, month) REFERENCES period (book, month),
    FOREIGN KEY (book, closed_by) REFERENCES staff (book, staff_id)
);

CREATE TABLE entry (                        -- 记账凭证
    book             bigint  NOT NULL,
    entry_id         uuid    NOT NULL,
    entry_kind       text    NOT NULL,
    instruction_id   uuid    NOT NULL,
    crossing_id      uuid,                  -- the same on the city's and the district's entry
    effective_on     date    NOT NULL,
    document_no      text    NOT NULL,
    summary          text    NOT NULL,
    functional_class text    NOT NULL,
    economic_class   text    NOT NULL,
    officer_id       uuid    NOT NULL,
    supervisor_id    uuid,
    maker_id         uuid    NOT NULL,
    approver_id      uuid    NOT NULL,
    payer_id         uuid,
    content_sha256   bytea   NOT NULL,
    line_count       integer NOT NULL CHECK (line_count > 0),
    total            bigint  NOT NULL CHECK (total > 0),
    order_no         bigint  NOT NULL,
    recorded_at      timestamptz NOT NULL,
    PRIMARY KEY (book, entry_id),
    CONSTRAINT entry_instruction_once UNIQUE (book, instruction_id),
    CONSTRAINT entry_duties_differ CHECK (maker_id <> approver_id
        AND (payer_id IS NULL OR (payer_id <> maker_id AND payer_id <> approver_id))),
    CONSTRAINT entry_payment_has_payer CHECK ((entry_kind = 'pay') = (payer_id IS NOT NULL))
);
CREATE INDEX entry_crossing_id ON entry (crossing_id) WHERE crossing_id IS NOT NULL;
CREATE INDEX entry_document_no ON entry (document_no);

CREATE TABLE transfer (                     -- 分录: a positive number of fen from the payer (credit 贷) to the receiver (debit 借)
    book            bigint  NOT NULL,
    entry_id        uuid    NOT NULL,
    line_no         integer NOT NULL,
    debit_account   uuid    NOT NULL,       -- receiver
    credit_account  uuid    NOT NULL,       -- payer
    amount          bigint  NOT NULL,
    debit_before    bigint  NOT NULL,       -- receiver's received, before
    debit_after     bigint  NOT NULL,
    credit_before   bigint  NOT NULL,       -- payer's given, before
    credit_after    bigint  NOT NULL,
    payee_id        uuid,                   -- 辅助核算: household, person or organisation
    undoes_entry_id uuid,
    undoes_line_no  integer,
    undoes_before   bigint,                 -- how much of that transfer was undone before this one
    undoes_amount   bigint,                 -- that transfer's amount
    PRIMARY KEY (book, entry_id, line_no),
    CONSTRAINT transfer_debit_tiles UNIQUE (book, debit_account, debit_before),
    CONSTRAINT transfer_credit_tiles UNIQUE (book, credit_account, credit_before),
    CONSTRAINT transfer_totals CHECK (amount > 0 AND debit_account <> credit_account AND debit_before >= 0
        AND credit_before >= 0 AND debit_after = debit_before + amount AND credit_after = credit_before + amount),
    CONSTRAINT transfer_undo_at_most_original CHECK (undoes_entry_id IS NULL OR
        (undoes_line_no IS NOT NULL AND undoes_before >= 0 AND undoes_before + amount <= undoes_amount))
);
CREATE INDEX transfer_payee_id ON transfer (payee_id) WHERE payee_id IS NOT NULL;
CREATE UNIQUE INDEX transfer_undoes ON transfer (book, undoes_entry_id, undoes_line_no, undoes_before)
    WHERE undoes_entry_id IS NOT NULL;
CREATE INDEX transfer_undo_out ON transfer (credit_account) WHERE undoes_entry_id IS NOT NULL;

CREATE TABLE refusal (                      -- 拒绝记录: an authorised, well-formed call that broke a rule
    book           bigint NOT NULL,
    refusal_id     uuid   NOT NULL,
    code           text   NOT NULL,
    staff_id       uuid   NOT NULL,
    unit_id        uuid   NOT NULL,
    action         text   NOT NULL,         -- method and route template, never the filled path of a person
    subject_id     uuid,
    request_sha256 bytea  NOT NULL,         -- of the call and of the faults it was refused for
    detail         jsonb  NOT NULL,         -- typed parameters of every fault; no personal data
    order_no       bigint NOT NULL,
    refused_at     timestamptz NOT NULL,
    PRIMARY KEY (book, refusal_id),
    UNIQUE (book, staff_id, action, code, request_sha256)
);

CREATE TABLE refusal_count (                -- derived, mutable: repeats are counted, not added
    book       bigint NOT NULL,
    refusal_id uuid   NOT NULL,
    repeats    bigint NOT NULL DEFAULT 0,
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (book, refusal_id)
);
