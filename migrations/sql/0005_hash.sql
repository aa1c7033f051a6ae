-- The hash of the routing table, reckoned from its rows alone (docs/routing-tree.md). These functions need nothing but
-- a table `routing` with the columns of ours that they name and an index on (first, valid_from), so they also run in a
-- database that follows ours by logical replication.
CREATE FUNCTION routing_block(number bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT number / CASE WHEN number < 10000000000000 THEN 1000 ELSE 100000 END
$$;

-- How a block is named: the length of its numbers and the digits that they share.
CREATE FUNCTION routing_block_node(block bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE length(block::text) WHEN 4 THEN '5:' WHEN 7 THEN '8:' ELSE '12:' END || substr(block::text, 3)
$$;

-- How far a node is from the root.
CREATE FUNCTION routing_depth(node text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN node = '' THEN 0 ELSE 1 + length(split_part(node, ':', 2)) END
$$;

CREATE FUNCTION routing_parent(node text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN node LIKE '%:' THEN '' ELSE left(node, -1) END
$$;

-- The rows of these numbers that are in force at an instant or scheduled after it: those believed, or as known at a
-- place in the order of changes.
CREATE FUNCTION routing_rows(low bigint, high bigint, instant timestamptz, known bigint DEFAULT NULL)
RETURNS TABLE (first bigint, last bigint, holder text, network text, routing_number text, range_holder text,
               target_number bigint, valid_from timestamptz, valid_until timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    -- All rows of a number have the same first and last.
    cell bigint := (SELECT r.first FROM routing r WHERE r.removed_at = 'infinity' AND r.first <= low
                     ORDER BY r.first DESC LIMIT 1);
BEGIN
    IF known IS NULL THEN
        RETURN QUERY SELECT r.first, r.last, r.holder, r.network, r.routing_number, r.range_holder, r.target_number,
                            r.valid_from, r.valid_until FROM routing r
          WHERE r.removed_at = 'infinity' AND r.first BETWEEN coalesce(cell, low) AND high AND r.last >= low
            AND r.valid_until > instant;
    ELSE
        RETURN QUERY SELECT r.first, r.last, r.holder, r.network, r.routing_number, r.range_holder, r.target_number,
                            r.valid_from, r.valid_until FROM routing r
          WHERE r.removed_at = 'infinity' AND r.first BETWEEN coalesce(cell, low) AND high AND r.last >= low
            AND r.valid_until > instant AND r.put_seq <= known
         UNION ALL
        SELECT r.first, r.last, r.holder, r.network, r.routing_number, r.range_holder, r.target_number,
               r.valid_from, r.valid_until
          -- Few have been removed since, and only the index by `removed_seq` knows which.
          FROM (SELECT * FROM routing WHERE removed_seq > known OFFSET 0) r
          WHERE r.put_seq <= known AND r.first <= high AND r.last >= low AND r.valid_until > instant;
    END IF;
END $$;

-- The leaves of the tree for these blocks; none for a block without rows.
CREATE FUNCTION routing_leaves(blocks bigint[], instant timestamptz, known bigint DEFAULT NULL)
RETURNS TABLE (node text, hash bytea) LANGUAGE sql STABLE SET timezone = 'UTC' SET jit = 'off' AS $$
    WITH piece AS (
        SELECT b.block, greatest(r.first, b.low) AS first, least(r.last, b.high) AS last, r.valid_from, r.valid_until,
               r.holder || ';' || coalesce(r.network, '') || ';' || coalesce(r.routing_number, '') || ';'
               || r.range_holder || ';' || coalesce(substr(r.target_number::text, 3), '') AS told
          FROM (SELECT block, block * size AS low, block * size + size - 1 AS high
                  FROM unnest(blocks) AS block,
                       LATERAL (SELECT CASE WHEN block < 10000000 THEN 1000 ELSE 100000 END AS size) s) b,
               LATERAL routing_rows(b.low, b.high, instant, known) r
    ), told AS (
        SELECT *, coalesce(lag(valid_until) OVER story = valid_from AND lag(told) OVER story = told, false) AS goes_on,
               coalesce(lead(valid_from) OVER story = valid_until AND lead(told) OVER story = told, false) AS is_not_over
          FROM piece WINDOW story AS (PARTITION BY block, first ORDER BY valid_from)
    ), cell AS (
        -- Where a line says which numbers it is about stands a bar, until it is known.
        SELECT block, first, last, string_agg(
                   CASE WHEN goes_on THEN '' ELSE '|' || told || ';'
                        || replace(trim('"' FROM to_json(valid_from)::text), '+00:00', 'Z') || ';' END
                   || CASE WHEN is_not_over THEN ''
                           WHEN valid_until = 'infinity' THEN E'\n'
                           ELSE replace(trim('"' FROM to_json(valid_until)::text), '+00:00', 'Z') || E'\n' END,
                   '' ORDER BY valid_from) AS story
          FROM told GROUP BY block, first, last
    ), marked AS (
        SELECT *, lag(last) OVER by_number IS DISTINCT FROM first - 1
               OR lag(story) OVER by_number IS DISTINCT FROM story AS begins
          FROM cell WINDOW by_number AS (PARTITION BY block ORDER BY first)
    ), run AS (
        SELECT block, last, story,
               max(first) FILTER (WHERE begins) OVER (PARTITION BY block ORDER BY first) AS first,
               coalesce(lead(begins) OVER (PARTITION BY block ORDER BY first), true) AS ends
          FROM marked
    )
    SELECT routing_block_node(block), sha256(convert_to(string_agg(replace(
               story, '|', substr(first::text, 3) || ';' || substr(last::text, 3) || ';'), '' ORDER BY first), 'UTF8'))
      FROM run WHERE ends GROUP BY block
$$;

-- The root of the tree at an instant, from scratch: it reads every row.
CREATE FUNCTION routing_root(instant timestamptz) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
DECLARE
    blocks bigint[];
    nodes text[];
    hashes bytea[];
BEGIN
    SELECT array_agg(DISTINCT block) INTO blocks
      FROM (SELECT DISTINCT routing_block(first) AS low, routing_block(last) AS high
              FROM routing WHERE removed_at = 'infinity' AND valid_until > instant) r, generate_series(low, high) block;
    SELECT array_agg(node), array_agg(hash) INTO nodes, hashes
      FROM generate_series(1, cardinality(blocks), 1000) AS part,
           LATERAL routing_leaves(blocks[part : part + 999], instant);
    FOR depth IN REVERSE 8 .. 1 LOOP
        SELECT array_agg(folded.node), array_agg(folded.hash) INTO nodes, hashes
          FROM (SELECT node, hash FROM unnest(nodes, hashes) AS n(node, hash) WHERE routing_depth(node) < depth
                 UNION ALL
                SELECT routing_parent(node), sha256(convert_to(string_agg(
                           node || ';' || encode(hash, 'hex') || E'\n', '' ORDER BY node COLLATE "C"), 'UTF8'))
                  FROM unnest(nodes, hashes) AS n(node, hash) WHERE routing_depth(node) = depth GROUP BY 1) folded;
    END LOOP;
    RETURN coalesce(hashes[1], sha256(''));
END $$;
