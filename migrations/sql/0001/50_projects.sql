-- The district's side of five-to-district (五到区): versioned records, the newest version counts.

CREATE TABLE officer_term (                 -- 责任人任期
    book        bigint NOT NULL,
    officer_id  uuid   NOT NULL,
    name        text   NOT NULL,
    unit_id     uuid   NOT NULL,
    role        text   NOT NULL CHECK (role IN ('accountable', 'supervising')),
    valid_from  date   NOT NULL,
    valid_to    date,                       -- last day; null: still in office
    version     integer NOT NULL DEFAULT 1, -- a later version ends or corrects the term
    document_no text   NOT NULL,
    recorded_by uuid   NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, officer_id, version),
    FOREIGN KEY (book, unit_id) REFERENCES unit (book, unit_id),
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);

CREATE TABLE project (                      -- 项目库
    book               bigint  NOT NULL,
    project_id         uuid    NOT NULL,
    version            integer NOT NULL CHECK (version >= 1),
    code               text    NOT NULL,
    name               text    NOT NULL,
    category           text    NOT NULL,
    programme_code     text    NOT NULL REFERENCES programme (programme_code),
    village_code       text,                -- null: the whole district
    managing_unit_id   uuid,                -- 管理单位
    performance_target text    NOT NULL DEFAULT '',
    planned_amount     bigint  NOT NULL CHECK (planned_amount > 0),
    status             text    NOT NULL CHECK (status IN ('proposed', 'approved', 'suspended', 'left')),
    decided_by_unit_id uuid,                -- the district unit that approved it
    document_no        text    NOT NULL,
    recorded_by        uuid    NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, project_id, version),
    FOREIGN KEY (book, village_code) REFERENCES division (book, code),
    FOREIGN KEY (book, managing_unit_id) REFERENCES unit (book, unit_id),
    FOREIGN KEY (book, decided_by_unit_id) REFERENCES unit (book, unit_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    CHECK (status <> 'approved' OR decided_by_unit_id IS NOT NULL)
);

CREATE TABLE procurement (                  -- 招投标
    book               bigint  NOT NULL,
    procurement_id     uuid    NOT NULL,
    version            integer NOT NULL CHECK (version >= 1),
    project_id         uuid    NOT NULL,
    method             text    NOT NULL CHECK (method IN ('open', 'invited', 'negotiation', 'inquiry', 'single_source', 'exempt')),
    estimate           bigint  NOT NULL CHECK (estimate > 0),
    exemption_code     text    REFERENCES exemption_rule (exemption_code),
    evidence_sha256    bytea   CHECK (length(evidence_sha256) = 32),
    awardee_id         uuid,
    contract_no        text,
    contract_amount    bigint  CHECK (contract_amount > 0),
    approved_changes   bigint  NOT NULL DEFAULT 0,
    document_no        text    NOT NULL,
    recorded_by        uuid    NOT NULL,
    recorded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, procurement_id, version),
    FOREIGN KEY (book, awardee_id) REFERENCES organisation (book, organisation_id),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    CHECK ((method = 'exempt') = (exemption_code IS NOT NULL)),
    CHECK (method = 'exempt' OR (awardee_id IS NOT NULL AND contract_amount IS NOT NULL AND contract_no IS NOT NULL)),
    CHECK (contract_amount IS NULL OR contract_amount + approved_changes > 0)
);
CREATE INDEX procurement_project_id ON procurement (project_id);

CREATE TABLE acceptance (                   -- 验收
    book            bigint  NOT NULL,
    acceptance_id   uuid    NOT NULL,
    version         integer NOT NULL CHECK (version >= 1),
    project_id      uuid    NOT NULL,
    accepted_on     date    NOT NULL,
    passed          boolean NOT NULL,
    evidence_sha256 bytea   NOT NULL CHECK (length(evidence_sha256) = 32),
    document_no     text    NOT NULL,
    recorded_by     uuid    NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, acceptance_id, version),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id)
);
CREATE INDEX acceptance_project_id ON acceptance (project_id);

CREATE TABLE notice (                       -- 公告公示
    book         bigint  NOT NULL,
    notice_id    uuid    NOT NULL,
    version      integer NOT NULL CHECK (version >= 1),
    subject_kind text    NOT NULL CHECK (subject_kind IN ('project', 'payment_list')),
    subject_id   uuid    NOT NULL,
    level        text    NOT NULL CHECK (level IN ('district', 'township', 'village')),
    channel      text    NOT NULL,
    published_from date  NOT NULL,
    published_to date    NOT NULL,
    amount       bigint  NOT NULL CHECK (amount > 0),      -- what was published; for a list it must equal the list
    document_no  text    NOT NULL,
    recorded_by  uuid    NOT NULL,
    order_no     bigint  NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (book, notice_id, version),
    FOREIGN KEY (book, recorded_by) REFERENCES staff (book, staff_id),
    CHECK (published_to >= published_from AND isfinite(published_from) AND isfinite(published_to))
);
CREATE INDEX notice_subject_id ON notice (subject_id);

CREATE VIEW project_current AS
    SELECT DISTINCT ON (book, project_id) * FROM project ORDER BY book, project_id, version DESC;
CREATE VIEW procurement_current AS
    SELECT DISTINCT ON (book, procurement_id) * FROM procurement ORDER BY book, procurement_id, version DESC;
CREATE VIEW acceptance_current AS
    SELECT DISTINCT ON (book, acceptance_id) * FROM acceptance ORDER BY book, acceptance_id, version DESC;
CREATE VIEW notice_current AS
    SELECT DISTINCT ON (book, notice_id) * FROM notice ORDER BY book, notice_id, version DESC;
CREATE VIEW officer_term_current AS
    SELECT DISTINCT ON (book, officer_id) * FROM officer_term ORDER BY book, officer_id, version DESC;
