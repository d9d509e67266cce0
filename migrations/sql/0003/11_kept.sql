-- From which position on the log keeps parts of entries' inner trees (log_line_node): from where it stood when this revision
-- came. An entry before it has none, and its lines' paths are hashed anew; behind it, missing parts were taken away.

CREATE TABLE log_kept (
    from_position bigint PRIMARY KEY CHECK (from_position >= 0)
);
INSERT INTO log_kept SELECT coalesce(max(position) + 1, 0) FROM log_leaf;
GRANT SELECT ON log_kept TO fundledger_reader;
