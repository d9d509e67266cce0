-- Payment lists (一卡通发放表) and what the bank said of them. A list is an instruction of kind `pay`.

CREATE TABLE declared_figure (              -- 申报数: a district's revenue increment (M03), recovered idle funds (M04)
    book        bigint   NOT NULL,
    fund_code   text     NOT NULL REFERENCES fund (fund_code),
    fiscal_year smallint NOT NULL CHECK (fiscal_year BETWEEN 2000 AND 2999),
    version     integer  NOT NULL CHECK (version >= 1),
    amount      bigint   NOT NULL CHECK (amount >= 0),
    is_final    boolean  NOT NULL DEFAULT false,   -- 决算数: re-opens the test
    document_no text     NOT NULL,
    recorded_by uuid     NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, fund_code, fiscal_year, version),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);

CREATE TABLE payment_list (
    book           bigint NOT NULL,
    instruction_id uuid   NOT NULL,
    project_id     uuid   NOT NULL,
    programme_code text   NOT NULL REFERENCES programme (programme_code),
    period         text   NOT NULL CHECK (period ~ '^[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]|H[12]))?$'),  -- 2019, 2019-03, 2019-Q1
    entitlement_on date   NOT NULL,         -- whose rosters and statuses count
    payee_kind     text   NOT NULL CHECK (payee_kind IN ('household', 'person', 'organisation')),
    pay_method     text   NOT NULL CHECK (pay_method = 'transfer'),   -- never banknotes
    is_final       boolean NOT NULL,        -- the project's last payment: needs acceptance
    PRIMARY KEY (book, instruction_id),
    FOREIGN KEY (book, instruction_id) REFERENCES instruction (book, instruction_id)
);
CREATE INDEX payment_list_project_id ON payment_list (project_id);

CREATE TABLE payment_line (
    book             bigint  NOT NULL,
    instruction_id   uuid    NOT NULL,
    leg_no           integer NOT NULL,
    line_no          integer NOT NULL CHECK (line_no >= 1),
    amount           bigint  NOT NULL CHECK (amount > 0),
    payee_id         uuid    NOT NULL,      -- as payment_list.payee_kind says
    household_id     uuid,                  -- the household it counts for
    quantity         integer NOT NULL DEFAULT 1 CHECK (quantity >= 1),
    programme_code   text    NOT NULL,      -- with period and payee: what may be paid once
    period           text    NOT NULL,
    participation_ref text,                 -- M16: the record of taking part
    exception_document_no text,
    card_hash        bytea   CHECK (length(card_hash) = 32),
    name_commitment  bytea   NOT NULL CHECK (length(name_commitment) = 32),
    card_commitment  bytea   NOT NULL CHECK (length(card_commitment) = 32),
    PRIMARY KEY (book, instruction_id, leg_no, line_no),
    UNIQUE (book, instruction_id, line_no),
    FOREIGN KEY (book, instruction_id) REFERENCES instruction (book, instruction_id)
);
CREATE INDEX payment_line_claim ON payment_line (payee_id, programme_code, period);
CREATE INDEX payment_line_card_hash ON payment_line (card_hash, household_id) WHERE card_hash IS NOT NULL;  -- FCL-12 reads it alone

CREATE TABLE payment_line_private (         -- what erasure removes later: salts, and name and card sealed
    book           bigint  NOT NULL,
    instruction_id uuid    NOT NULL,
    line_no        integer NOT NULL,
    name_salt      bytea   NOT NULL CHECK (length(name_salt) = 32),
    card_salt      bytea   NOT NULL CHECK (length(card_salt) = 32),
    sealed         bytea   NOT NULL,
    PRIMARY KEY (book, instruction_id, line_no)
);

CREATE TABLE claim_window (                 -- derived, mutable; and a lock: lists of one programme and year pay one after the other
    book           bigint NOT NULL,
    programme_code text   NOT NULL,
    year           text   NOT NULL,         -- of the period: periods of one year may overlap (2019-02, 2019-Q1, 2019)
    paid_order_no  bigint NOT NULL DEFAULT 0,  -- order_no of the newest entry that paid in it
    PRIMARY KEY (book, programme_code, year)
);

CREATE TABLE bank_result (                  -- 银行回盘: credited posts nothing, returned posts back
    book        bigint  NOT NULL,
    entry_id    uuid    NOT NULL,           -- the payment's entry
    line_no     integer NOT NULL,
    outcome     text    NOT NULL CHECK (outcome IN ('credited', 'returned')),
    reason      text    NOT NULL DEFAULT '',
    settled_on  date    NOT NULL,
    document_no text    NOT NULL,
    recorded_by uuid    NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, entry_id, line_no, outcome),   -- a credited line may come back later
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);
