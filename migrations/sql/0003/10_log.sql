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

ALTER TABLE log_queue ADD COLUMN queued_at timestamptz NOT NULL DEFAULT clock_timestamp();   -- since when it waits, for /healthz
ALTER TABLE log_queue DROP CONSTRAINT log_queue_kind_check;
ALTER TABLE log_queue ADD CONSTRAINT log_queue_kind_check
    CHECK (kind IN ('entry', 'approval', 'refusal', 'notice', 'parameter', 'period_close', 'year_close', 'erasure'));

-- The tree is made here, from what is stored, so that whoever may append can't store a wrong node.

CREATE FUNCTION log_group_root(p_hashes bytea[]) RETURNS bytea      -- RFC 6962, over 1, 2, 4, 8 or 16 hashes
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_level bytea[] := p_hashes;
BEGIN
    WHILE cardinality(v_level) > 1 LOOP
        v_level := ARRAY(SELECT sha256('\x01'::bytea || v_level[i] || v_level[i + 1])
                         FROM generate_series(1, cardinality(v_level), 2) i ORDER BY i);
    END LOOP;
    RETURN v_level[1];
END $$;

CREATE FUNCTION log_hashes(p_level integer, p_from bigint, p_to bigint) RETURNS TABLE (index bigint, hash bytea)
LANGUAGE sql STABLE AS $$
    SELECT l.position, l.leaf_hash FROM log_leaf l WHERE p_level = 0 AND l.position >= p_from AND l.position < p_to
    UNION ALL
    SELECT n.index, n.hash FROM log_node n WHERE n.level = p_level AND n.index >= p_from AND n.index < p_to
$$;

-- Stores the nodes that the leaves from p_from to p_size complete; FL003 if a hash they need is not there.
CREATE FUNCTION log_add_nodes(p_from bigint, p_size bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_level integer := 4;
    v_done bigint;
BEGIN
    WHILE (p_from >> v_level) < (p_size >> v_level) LOOP
        INSERT INTO log_node (level, index, hash)
        SELECT v_level, h.index >> 4, log_group_root(array_agg(h.hash ORDER BY h.index))
        FROM log_hashes(v_level - 4, (p_from >> v_level) << 4, (p_size >> v_level) << 4) h
        GROUP BY h.index >> 4 HAVING count(*) = 16;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        IF v_done <> (p_size >> v_level) - (p_from >> v_level) THEN
            RAISE EXCEPTION 'log_add_nodes: a stored hash is missing' USING ERRCODE = 'FL003';
        END IF;
        v_level := v_level + 4;
    END LOOP;
END $$;

-- The root of the first p_size leaves, from stored hashes; null if one is missing. One perfect subtree for each bit of the size.
CREATE FUNCTION log_root(p_size bigint) RETURNS bytea
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_root bytea;
    v_part bytea;
    v_level integer;
    v_first bigint;
BEGIN
    IF p_size = 0 THEN
        RETURN sha256('');
    END IF;
    FOR v_bit IN 0 .. 62 LOOP
        CONTINUE WHEN (p_size >> v_bit) & 1 = 0;
        v_level := v_bit - v_bit % 4;
        v_first := ((p_size >> v_bit) - 1) << (v_bit - v_level);
        v_part := log_group_root(ARRAY(SELECT h.hash FROM log_hashes(v_level, v_first, v_first + (1 << (v_bit - v_level))) h
                                       ORDER BY h.index));
        v_root := CASE WHEN p_size & ((1::bigint << v_bit) - 1) = 0 THEN v_part
                       ELSE sha256('\x01'::bytea || v_part || v_root) END;
    END LOOP;
    RETURN v_root;
END $$;

-- What ties the order of queued entries: the accounts they moved, themselves, and the entries they refer to.
CREATE FUNCTION log_ties(p_orders bigint[]) RETURNS TABLE (order_no bigint, tie uuid)
LANGUAGE sql STABLE AS $$
    SELECT DISTINCT l.order_no, v.tie FROM (
        SELECT DISTINCT q.order_no, t.entry_id, t.debit_account, t.credit_account, t.undoes_entry_id, t.settles_entry_id,
            t.reissues_entry_id
        FROM unnest(p_orders) o (order_no) JOIN log_queue q ON q.order_no = o.order_no AND q.kind = 'entry'
        JOIN transfer t ON t.book = q.book AND t.entry_id = q.record_id) l
    CROSS JOIN LATERAL (VALUES (l.entry_id), (l.debit_account), (l.credit_account), (l.undoes_entry_id), (l.settles_entry_id),
        (l.reissues_entry_id)) v (tie)
    WHERE v.tie IS NOT NULL
$$;

-- Whether something of p_later may not pass one of p_earlier. Both can be a thousand, and the sequencer's session hashes no joins.
CREATE FUNCTION log_tied(p_earlier bigint[], p_later bigint[]) RETURNS boolean
LANGUAGE sql STABLE SET enable_hashjoin = on AS $$
    WITH earlier AS MATERIALIZED (SELECT * FROM log_ties(p_earlier)), later AS MATERIALIZED (SELECT * FROM log_ties(p_later))
    SELECT EXISTS (SELECT FROM earlier e JOIN later l ON l.tie = e.tie AND l.order_no > e.order_no)
$$;

-- The sequencer's only way: gives queued records the positions from p_from on, in order_no order, and adds the nodes of the
-- tree that they complete. One caller at a time; FL002 if another was quicker (p_from is taken, or a record is not queued).
-- A record may pass earlier ones that wait (a long entry that is still being hashed) if nothing ties them, whoever calls: on one
-- account the log's order is the order of posting. FL002 otherwise, as the queue may have grown since the caller looked: two
-- entries that undo lines of one third need share no account, and then the earlier one may be committed after the later.
DROP FUNCTION log_append(bigint[], bytea[], bytea[]);
CREATE FUNCTION log_append(p_from bigint, p_orders bigint[], p_hashes bytea[], p_roots bytea[],
    p_line_orders bigint[], p_line_levels integer[], p_line_numbers integer[], p_line_hashes bytea[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_next bigint;
    v_done bigint;
    v_now timestamptz;
    v_passed bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    -- Never earlier than the last one, whatever the clock did: a timestamp maps to one position.
    SELECT coalesce(max(position) + 1, 0), greatest(clock_timestamp(), max(appended_at)) INTO v_next, v_now
    FROM (SELECT position, appended_at FROM log_leaf ORDER BY position DESC LIMIT 1) newest;
    IF v_next <> p_from THEN
        RAISE EXCEPTION 'log_append: the log has another size' USING ERRCODE = 'FL002';
    END IF;
    v_passed := ARRAY(SELECT order_no FROM log_queue WHERE order_no < (SELECT max(o) FROM unnest(p_orders) o)
                      EXCEPT SELECT o FROM unnest(p_orders) o);
    IF v_passed <> '{}' AND log_tied(v_passed, p_orders) THEN
        RAISE EXCEPTION 'log_append: a record can not pass one that it rests on' USING ERRCODE = 'FL002';
    END IF;
    INSERT INTO log_line_node (book, entry_id, level, number, hashes)
    SELECT q.book, q.record_id, u.level, u.number, u.hashes
    FROM unnest(p_line_orders, p_line_levels, p_line_numbers, p_line_hashes) AS u (order_no, level, number, hashes)
    JOIN log_queue q ON q.order_no = u.order_no AND q.kind = 'entry' WHERE u.order_no = ANY (p_orders);
    WITH taken AS (
        DELETE FROM log_queue q USING unnest(p_orders, p_hashes, p_roots) AS u (order_no, leaf_hash, lines_root)
        WHERE q.order_no = u.order_no RETURNING q.*, u.leaf_hash, u.lines_root)
    INSERT INTO log_leaf (position, book, kind, record_id, version, leaf_hash, lines_root, appended_at)
    SELECT v_next + row_number() OVER (ORDER BY order_no) - 1, book, kind, record_id, version, leaf_hash, lines_root, v_now FROM taken;
    GET DIAGNOSTICS v_done = ROW_COUNT;
    IF v_done <> cardinality(p_orders) THEN
        RAISE EXCEPTION 'log_append: a record is not queued' USING ERRCODE = 'FL002';
    END IF;
    PERFORM log_add_nodes(v_next, v_next + v_done);
    RETURN v_next + v_done;
END $$;

-- Over what was sealed before there were nodes.
SELECT log_add_nodes(0, (SELECT coalesce(max(position) + 1, 0) FROM log_leaf));

-- Keeps the checkpoint of the whole log, never of an older size; FL003 if the stored tree or the note has another root.
CREATE FUNCTION log_sign(p_size bigint, p_root bytea, p_note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('fundledger.log'));
    IF p_size <> (SELECT coalesce(max(position) + 1, 0) FROM log_leaf)
       OR p_size <= (SELECT coalesce(max(size), -1) FROM log_checkpoint) THEN
        RAISE EXCEPTION 'log_sign: not the size of the log' USING ERRCODE = 'FL002';
    END IF;
    -- The signature is the witnesses' to verify; what it is under is held here.
    IF p_root IS DISTINCT FROM log_root(p_size) OR split_part(p_note, E'\n', 2) <> p_size::text
       OR split_part(p_note, E'\n', 3) <> encode(p_root, 'base64') THEN
        RAISE EXCEPTION 'log_sign: not the root of the log' USING ERRCODE = 'FL003';
    END IF;
    -- Never earlier than what it holds or than the last one, whatever the clock did.
    INSERT INTO log_checkpoint (size, root, note, signed_at)
    SELECT p_size, p_root, p_note, greatest(clock_timestamp(),
        (SELECT signed_at FROM log_checkpoint ORDER BY size DESC LIMIT 1),
        (SELECT appended_at FROM log_leaf ORDER BY position DESC LIMIT 1));
END $$;
