-- The sealed log: one position per record, given by one sequencer after commit (fundledger.sealing.sequencer).

CREATE TABLE log_queue (                    -- derived, mutable: committed records that have no position yet
    order_no  bigint PRIMARY KEY,
    book      bigint NOT NULL,
    kind      text   NOT NULL CHECK (kind IN ('entry', 'approval', 'refusal', 'notice', 'parameter', 'period_close')),
    record_id uuid   NOT NULL,
    version   integer NOT NULL DEFAULT 1    -- of a notice; other records have one
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE log_leaf (                     -- append-only, positions without a gap
    position    bigint PRIMARY KEY CHECK (position >= 0),
    book        bigint NOT NULL,
    kind        text   NOT NULL,
    record_id   uuid   NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    leaf_hash   bytea  NOT NULL CHECK (length(leaf_hash) = 32),
    lines_root  bytea  CHECK (length(lines_root) = 32),   -- of an entry: root of the inner tree of its lines
    appended_at timestamptz NOT NULL,
    UNIQUE (book, kind, record_id, version)
);
CREATE INDEX log_leaf_appended_at ON log_leaf (appended_at);
