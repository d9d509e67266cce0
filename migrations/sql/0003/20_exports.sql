-- Exports (数据导出): who took what, the parts of jobs and how they ended. All append-only: a job's state is what was
-- recorded of it, so nothing has to be updated. Written by fundledger.exports.records; files are beside the database.

-- Entries too long to be sorted in memory are read by themselves (fundledger.exports.stretches).
CREATE INDEX entry_long ON entry (book, entry_id) WHERE line_count > 20000;

CREATE TABLE export_record (                -- 导出记录: who took what, as of which position
    book      bigint NOT NULL,              -- of the person
    export_id uuid   NOT NULL,
    staff_id  uuid   NOT NULL,
    unit_id   uuid   NOT NULL,
    way       text   NOT NULL CHECK (way IN ('direct', 'job', 'command')),
    format    text   NOT NULL CHECK (format ~ '^[a-z0-9-]{1,40}$'),
    scope     text   NOT NULL CHECK (scope::jsonb IS NOT NULL),       -- JSON: fundledger.exports.scope
    position  bigint NOT NULL CHECK (position >= -1),
    taken_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, export_id),
    FOREIGN KEY (book, staff_id) REFERENCES staff (book, staff_id),
    FOREIGN KEY (book, unit_id) REFERENCES unit (book, unit_id)
);
CREATE INDEX export_record_jobs ON export_record (taken_at) WHERE way = 'job';

CREATE TABLE export_part (                  -- a finished file of a job
    book        bigint  NOT NULL,
    export_id   uuid    NOT NULL,
    number      integer NOT NULL CHECK (number >= 1),
    name        text    NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    rows        bigint  NOT NULL CHECK (rows >= 0),
    bytes       bigint  NOT NULL CHECK (bytes >= 0),
    sha256      bytea   NOT NULL CHECK (length(sha256) = 32),
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, export_id, number),
    FOREIGN KEY (book, export_id) REFERENCES export_record (book, export_id)
);

CREATE TABLE export_outcome (               -- how a job ended; expired: its files are gone
    book      bigint NOT NULL,
    export_id uuid   NOT NULL,
    outcome   text   NOT NULL CHECK (outcome IN ('done', 'failed', 'expired')),
    reason    text,                         -- of a failure: a code of the catalogue
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, export_id, outcome),
    FOREIGN KEY (book, export_id) REFERENCES export_record (book, export_id)
);

GRANT INSERT (book, export_id, staff_id, unit_id, way, format, scope, position) ON export_record TO fundledger_service;
GRANT INSERT (book, export_id, number, name, rows, bytes, sha256) ON export_part TO fundledger_service;
GRANT INSERT (book, export_id, outcome, reason) ON export_outcome TO fundledger_service;
GRANT SELECT ON export_record, export_part, export_outcome TO fundledger_reader;
