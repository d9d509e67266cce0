-- People of the offices (工作人员), their duties and their tokens. A token is stored hashed, never as itself.

CREATE TABLE unit (                         -- 单位
    book          bigint NOT NULL REFERENCES book (book),
    unit_id       uuid   NOT NULL,
    name          text   NOT NULL,
    kind          text   NOT NULL CHECK (kind IN ('finance', 'poverty_office', 'township', 'audit', 'inspection', 'admin')),
    division_code text,                     -- the township's own code, for kind township
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, unit_id),
    UNIQUE (book, name)
);

CREATE TABLE staff (                        -- 经办人员: a named person of a unit
    book       bigint NOT NULL,
    staff_id   uuid   NOT NULL,
    unit_id    uuid   NOT NULL,
    name       text   NOT NULL,
    duties     text[] NOT NULL CHECK (duties <@ ARRAY['maker', 'approver', 'payer']),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, staff_id),
    FOREIGN KEY (book, unit_id) REFERENCES unit (book, unit_id)
);

CREATE TABLE token (                        -- 访问令牌
    book       bigint NOT NULL,
    token_hash bytea  NOT NULL,             -- SHA-256 of a 256-bit random token
    staff_id   uuid   NOT NULL,
    issued_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (book, token_hash),
    FOREIGN KEY (book, staff_id) REFERENCES staff (book, staff_id)
);
CREATE INDEX token_token_hash ON token (token_hash);

CREATE TABLE token_revocation (             -- 令牌吊销
    book       bigint NOT NULL,
    token_hash bytea  NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason     text   NOT NULL,
    PRIMARY KEY (book, token_hash),
    FOREIGN KEY (book, token_hash) REFERENCES token (book, token_hash)
);

CREATE TABLE idempotency (                  -- a key binds to one success, for ever, within a unit
    book           bigint NOT NULL,
    unit_id        uuid   NOT NULL,
    key            text   NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    request_sha256 bytea  NOT NULL CHECK (length(request_sha256) = 32),
    kind           text   NOT NULL,         -- what the key made
    record_id      uuid   NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (book, unit_id, key)
);
