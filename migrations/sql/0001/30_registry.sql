-- Divisions, the yearly village lists, and the poverty registry (建档立卡) with its history as of a date.
-- Personal numbers stand here only as keyed hash (for matching) and sealed value; the keys live outside the database.

CREATE TABLE division (                     -- 行政区划; a district's book holds its townships and villages
    book        bigint NOT NULL REFERENCES book (book),
    code        text   NOT NULL CHECK (code ~ '^([0-9]{6}|[0-9]{9}|[0-9]{12})$'),
    name        text   NOT NULL,
    level       text   NOT NULL CHECK (level IN ('city', 'district', 'township', 'village', 'community')),
    parent_code text,
    source      text   NOT NULL,
    PRIMARY KEY (book, code),
    FOREIGN KEY (book, parent_code) REFERENCES division (book, code)
);
CREATE INDEX division_parent_code ON division (parent_code);

CREATE TABLE village_list_version (         -- 年度村名单版本: one row per book and version, so that a district can leave the list
    book         bigint   NOT NULL REFERENCES book (book),
    fund_code    text     NOT NULL REFERENCES fund (fund_code),
    fiscal_year  smallint NOT NULL,
    version      integer  NOT NULL CHECK (version >= 1),
    list_id      uuid     NOT NULL,         -- the same in every book
    village_count integer NOT NULL CHECK (village_count >= 0),   -- of this book; in the city's book: of all
    document_no  text     NOT NULL,
    exception_document_no text,             -- allows another number of villages than the policy's
    recorded_by  uuid     NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, fund_code, fiscal_year, version)
);

CREATE TABLE village_list (                 -- 年度村名单 (M01, M02): a membership per row, the newest version of a year counts
    book         bigint   NOT NULL,
    fund_code    text     NOT NULL REFERENCES fund (fund_code),
    fiscal_year  smallint NOT NULL,
    version      integer  NOT NULL CHECK (version >= 1),
    village_code text     NOT NULL,
    document_no  text     NOT NULL,
    recorded_by  uuid     NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, fund_code, fiscal_year, version, village_code),
    FOREIGN KEY (book, village_code) REFERENCES division (book, code)
);

CREATE TABLE household (                    -- 建档立卡户; the number is the national system's, opaque to us
    book         bigint NOT NULL,
    household_id uuid   NOT NULL,
    household_no text   NOT NULL,
    village_code text   NOT NULL,
    recorded_by  uuid   NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, household_id),
    UNIQUE (book, household_no),
    FOREIGN KEY (book, village_code) REFERENCES division (book, code)
);
CREATE INDEX household_village_code ON household (village_code);

CREATE TABLE person (                       -- 建档立卡人口
    book          bigint  NOT NULL,
    person_id     uuid    NOT NULL,
    household_id  uuid    NOT NULL,
    is_head       boolean NOT NULL,         -- 户主
    identity_hash bytea   NOT NULL CHECK (length(identity_hash) = 32),
    name_hash     bytea   NOT NULL CHECK (length(name_hash) = 32),
    sealed        bytea   NOT NULL,         -- AES-256-GCM: name, identity number, card, phone
    recorded_by   uuid    NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, person_id),
    UNIQUE (book, identity_hash),
    FOREIGN KEY (book, household_id) REFERENCES household (book, household_id)
);
CREATE UNIQUE INDEX person_one_head ON person (book, household_id) WHERE is_head;
CREATE INDEX person_identity_hash ON person (identity_hash);  -- across books: the same person claiming in two districts
CREATE INDEX person_household_id ON person (household_id);

CREATE TABLE registry_status (              -- 贫困状态沿革, of a household or of a person
    book        bigint NOT NULL,
    subject_id  uuid   NOT NULL,
    valid_from  date   NOT NULL,
    version     integer NOT NULL DEFAULT 1, -- a later version corrects the same day
    status      text   NOT NULL CHECK (status IN ('registered', 'exited', 'relapsed', 'removed', 'deceased')),
    document_no text   NOT NULL,
    recorded_by uuid   NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid         xid8   NOT NULL DEFAULT pg_current_xact_id(),  -- see approval.checked_xmin
    PRIMARY KEY (book, subject_id, valid_from, version)
);
CREATE INDEX registry_status_xid ON registry_status (xid);

CREATE TABLE roster_member (                -- 项目花名册: who a programme may pay, as of a date
    book           bigint NOT NULL,
    programme_code text   NOT NULL REFERENCES programme (programme_code),
    payee_id       uuid   NOT NULL,         -- a household or a person
    valid_from     date   NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    action         text   NOT NULL CHECK (action IN ('enrolled', 'struck_off')),
    document_no    text   NOT NULL,
    recorded_by    uuid   NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid            xid8   NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (book, programme_code, payee_id, valid_from, version)
);
CREATE INDEX roster_member_xid ON roster_member (xid);

CREATE TABLE organisation (                 -- 供应商、村集体、企业、机构: payees that are not people
    book            bigint NOT NULL,
    organisation_id uuid   NOT NULL,
    kind            text   NOT NULL CHECK (kind IN ('supplier', 'village_collective', 'enterprise', 'institution')),
    name            text   NOT NULL,
    credit_code     text   NOT NULL CHECK (credit_code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),  -- 统一社会信用代码
    account_sealed  bytea,                  -- bank account, sealed
    recorded_by     uuid   NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, organisation_id),
    UNIQUE (book, credit_code)
);

CREATE TABLE registry_import (              -- 导入批次: one upload to the registry or a roster, and what it made
    book            bigint  NOT NULL REFERENCES book (book),
    import_id       uuid    NOT NULL,
    kind            text    NOT NULL CHECK (kind IN ('households', 'statuses', 'roster')),
    request_sha256  bytea   NOT NULL CHECK (length(request_sha256) = 32),
    line_count      integer NOT NULL CHECK (line_count >= 1),
    household_count integer NOT NULL CHECK (household_count >= 0),
    person_count    integer NOT NULL CHECK (person_count >= 0),
    status_count    integer NOT NULL CHECK (status_count >= 0),
    member_count    integer NOT NULL CHECK (member_count >= 0),
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, import_id)
);
