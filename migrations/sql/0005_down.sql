DROP FUNCTION refresh_routing_tree, routing_touched, replace_routing_nodes, routing_root, routing_leaves, routing_rows, routing_parent,
    routing_depth, routing_block_node, routing_block;

DROP INDEX ix_routing_ends;

DROP TABLE routing_node, routing_tree;
