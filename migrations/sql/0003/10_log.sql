-- The sealed log becomes a tree: stored nodes, kept parts of entries' inner trees, signed checkpoints, cosignatures.
-- Written by the sequencer only (fundledger.sealing.sequencer); read by fundledger.sealing.tree and .proofs.

CREATE TABLE log_node (                     -- every fourth level of the RFC 6962 tree over log_leaf.leaf_hash
    level integer NOT NULL CHECK (level > 0 AND level % 4 = 0),
    index bigint  NOT NULL CHECK (index >= 0),
    hash  bytea   NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, index)
);

CREATE TABLE log_line_node (                -- of entries of more than 16 lines: every fourth level of the inner tree, 256 hashes a row
    book     bigint  NOT NULL,
    entry_id uuid    NOT NULL,
    level    integer NOT NULL CHECK (level BETWEEN 0 AND 28 AND level % 4 = 0),
    number   integer NOT NULL CHECK (number >= 0),
    hashes   bytea   NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (book, entry_id, level, number)
);
ALTER TABLE log_line_node ALTER COLUMN hashes SET STORAGE EXTERNAL;     -- hashes don't compress

CREATE TABLE log_checkpoint (               -- 检查点: what the log's key signed; two of one size can't be
    size      bigint PRIMARY KEY CHECK (size >= 0),
    root      bytea  NOT NULL CHECK (length(root) = 32),
    note      text   NOT NULL,
    signed_at timestamptz NOT NULL
);

CREATE TABLE log_cosignature (              -- 见证签名: what witnesses said of a checkpoint
    size     bigint NOT NULL,
    name     text   NOT NULL,
    key_id   bytea  NOT NULL CHECK (length(key_id) = 4),
    time     bigint NOT NULL CHECK (time >= 0),     -- POSIX seconds, as the witness signed it
    line     text   NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (size, name, key_id)
);

ALTER TABLE log_queue DROP CONSTRAINT log_queue_kind_check;
ALTER TABLE log_queue ADD CONSTRAINT log_queue_kind_check
    CHECK (kind IN ('entry', 'approval', 'refusal', 'notice', 'parameter', 'period_close', 'year_close', 'erasure'));

-- The sequencer's only way: gives queued records the positions from p_from on, in order_no order, with the nodes of the
-- tree that they complete. One caller at a time; FL002 if another was quicker (p_from is taken, or a record is not queued).
DROP FUNCTION log_append(bigint[], bytea[], bytea[]);
CREATE FUNCTION log_append(p_from bigint, p_orders bigint[], p_hashes bytea[], p_roots bytea[],
    p_levels integer[], p_indexes bigint[], p_nodes bytea[],
    p_line_orders bigint[], p_line_levels integer[], p_line_numbers integer[], p_line_hashes bytea[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_next bigint;
    v_done bigint;
    v_now timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    -- Never earlier than the last one, whatever the clock did: a timestamp maps to one position.
    SELECT coalesce(max(position) + 1, 0), greatest(clock_timestamp(), max(appended_at)) INTO v_next, v_now
    FROM (SELECT position, appended_at FROM log_leaf ORDER BY position DESC LIMIT 1) newest;
    IF v_next <> p_from THEN
        RAISE EXCEPTION 'log_append: the log has another size' USING ERRCODE = 'FL002';
    END IF;
    INSERT INTO log_line_node (book, entry_id, level, number, hashes)
    SELECT q.book, q.record_id, u.level, u.number, u.hashes
    FROM unnest(p_line_orders, p_line_levels, p_line_numbers, p_line_hashes) AS u (order_no, level, number, hashes)
    JOIN log_queue q ON q.order_no = u.order_no AND q.kind = 'entry';
    WITH taken AS (
        DELETE FROM log_queue q USING unnest(p_orders, p_hashes, p_roots) AS u (order_no, leaf_hash, lines_root)
        WHERE q.order_no = u.order_no RETURNING q.*, u.leaf_hash, u.lines_root)
    INSERT INTO log_leaf (position, book, kind, record_id, version, leaf_hash, lines_root, appended_at)
    SELECT v_next + row_number() OVER (ORDER BY order_no) - 1, book, kind, record_id, version, leaf_hash, lines_root, v_now FROM taken;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p_orders) THEN
        RAISE EXCEPTION 'log_append: a record is not queued' USING ERRCODE = 'FL002';
    END IF;
    INSERT INTO log_node (level, index, hash) SELECT * FROM unnest(p_levels, p_indexes, p_nodes);
    RETURN v_next + v_done;
END $$;

-- Nodes over leaves that were sealed before there were any (a log of revision 0002).
CREATE FUNCTION log_fill_nodes(p_levels integer[], p_indexes bigint[], p_nodes bytea[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    IF EXISTS (SELECT FROM unnest(p_levels, p_indexes) u (level, index)
               WHERE (u.index + 1) << u.level > (SELECT coalesce(max(position) + 1, 0) FROM log_leaf)) THEN
        RAISE EXCEPTION 'log_fill_nodes: the log is shorter' USING ERRCODE = 'FL002';
    END IF;
    INSERT INTO log_node (level, index, hash) SELECT * FROM unnest(p_levels, p_indexes, p_nodes)
    ON CONFLICT (level, index) DO NOTHING;
END $$;

-- Keeps the checkpoint of the whole log. The leader's alone (an advisory lock held by its session); never of an older size.
CREATE FUNCTION log_sign(p_size bigint, p_root bytea, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    IF p_size <> (SELECT coalesce(max(position) + 1, 0) FROM log_leaf)
       OR p_size <= (SELECT coalesce(max(size), -1) FROM log_checkpoint) THEN
        RAISE EXCEPTION 'log_sign: not the size of the log' USING ERRCODE = 'FL002';
    END IF;
    -- Never earlier than what it holds or than the last one, whatever the clock did.
    INSERT INTO log_checkpoint (size, root, note, signed_at)
    SELECT p_size, p_root, p_note, greatest(clock_timestamp(),
        (SELECT signed_at FROM log_checkpoint ORDER BY size DESC LIMIT 1),
        (SELECT appended_at FROM log_leaf ORDER BY position DESC LIMIT 1));
END $$;
