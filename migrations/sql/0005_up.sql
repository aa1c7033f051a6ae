-- The hash tree as it was at one place in the order of changes and one instant. Whoever asks brings it forward.
CREATE TABLE routing_tree (
    id SMALLINT DEFAULT 1 NOT NULL,
    seq BIGINT DEFAULT 0 NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT '-infinity' NOT NULL,
    CONSTRAINT pk_routing_tree PRIMARY KEY (id),
    CONSTRAINT ck_routing_tree_one_row CHECK (id = 1)
);

INSERT INTO routing_tree DEFAULT VALUES;

CREATE TABLE routing_node (
    depth SMALLINT NOT NULL,
    node TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_routing_node PRIMARY KEY (depth, node)
);

-- What has passed since the tree was last looked at.
CREATE INDEX ix_routing_ends ON routing (valid_until) WHERE valid_until < 'infinity';

-- The numbers of which something else is said at a later place or instant.
CREATE FUNCTION routing_touched(done routing_tree, to_seq bigint, to_at timestamptz)
RETURNS TABLE (first bigint, last bigint) LANGUAGE sql STABLE AS $$
    SELECT first, last FROM routing WHERE put_seq > done.seq AND put_seq <= to_seq
     UNION ALL
    SELECT first, last FROM routing WHERE removed_seq > done.seq AND removed_seq <= to_seq
     UNION ALL
    SELECT first, last FROM routing
     WHERE valid_until > done.at AND valid_until <= to_at AND valid_until < 'infinity'
$$;

-- Bring the tree to a place and an instant, or find it further. It is right at (`right_seq`, `right_at`) for as long as
-- `routing_tree` holds (`kept_seq`, `kept_at`): where nothing has changed nothing is written. One writes at a time; who
-- has waited goes on from there, and who would wait long is told so.
CREATE FUNCTION refresh_routing_tree(to_seq bigint, to_at timestamptz, OUT right_seq bigint, OUT right_at timestamptz,
                                     OUT kept_seq bigint, OUT kept_at timestamptz)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '2s' AS $$
DECLARE
    done routing_tree;
    blocks bigint[];
    part bigint[];
    touched text[];
    parents text[];
BEGIN
    SELECT * INTO done FROM routing_tree;
    IF EXISTS (SELECT 1 FROM routing_touched(done, to_seq, to_at)) THEN
        SELECT * INTO done FROM routing_tree FOR UPDATE;
    END IF;
    right_seq := greatest(to_seq, done.seq);
    right_at := greatest(to_at, done.at);
    SELECT array_agg(DISTINCT block ORDER BY block) INTO blocks
      FROM (SELECT DISTINCT routing_block(first) AS low, routing_block(last) AS high
              FROM routing_touched(done, right_seq, right_at)) t, generate_series(low, high) AS block;
    kept_seq := done.seq;
    kept_at := done.at;
    IF blocks IS NULL THEN
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(blocks) BY 1000 LOOP
        part := blocks[i : i + 999];
        PERFORM replace_routing_nodes((SELECT array_agg(routing_block_node(block)) FROM unnest(part) AS block),
                                      array_agg(node), array_agg(hash))
           FROM routing_leaves(part, right_at, right_seq);
    END LOOP;
    SELECT array_agg(routing_block_node(block)) INTO touched FROM unnest(blocks) AS block;
    FOR level IN REVERSE 8 .. 1 LOOP
        SELECT array_agg(DISTINCT routing_parent(node)) INTO parents
          FROM unnest(touched) AS node WHERE routing_depth(node) = level;
        CONTINUE WHEN parents IS NULL;
        PERFORM replace_routing_nodes(parents, array_agg(f.node), array_agg(f.hash))
           FROM (SELECT parent AS node, sha256(convert_to(string_agg(
                            n.node || ';' || encode(n.hash, 'hex') || E'\n', '' ORDER BY n.node), 'UTF8')) AS hash
                   FROM unnest(parents) AS parent
                        JOIN routing_node n ON n.depth = level AND n.node > parent AND n.node < parent || ':'
                  GROUP BY parent) f;
        SELECT array_agg(node) INTO touched
          FROM (SELECT node FROM unnest(touched) AS node WHERE routing_depth(node) < level
                 UNION SELECT unnest(parents)) t(node);
    END LOOP;
    kept_seq := right_seq;
    kept_at := right_at;
    UPDATE routing_tree SET seq = kept_seq, at = kept_at;
END $$;

-- These nodes have these hashes from now on; those of `nodes` that have none are gone.
CREATE FUNCTION replace_routing_nodes(nodes text[], present text[], hashes bytea[]) RETURNS void
LANGUAGE sql VOLATILE AS $$
    DELETE FROM routing_node n USING unnest(nodes) AS gone(node)
     WHERE n.depth = routing_depth(gone.node) AND n.node = gone.node
       AND NOT EXISTS (SELECT 1 FROM unnest(present) AS p(node) WHERE p.node = gone.node);
    INSERT INTO routing_node AS n SELECT routing_depth(node), node, hash FROM unnest(present, hashes) AS p(node, hash)
        ON CONFLICT (depth, node) DO UPDATE SET hash = excluded.hash WHERE n.hash <> excluded.hash
$$;
