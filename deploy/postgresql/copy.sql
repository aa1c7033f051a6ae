-- The subscriber's table: the rows that are believed, with their columns as the publication names them.
CREATE TABLE routing (
    put_seq BIGINT PRIMARY KEY,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    holder TEXT NOT NULL,
    network TEXT,
    routing_number TEXT,
    range_holder TEXT NOT NULL,
    target_number BIGINT,
    valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
    valid_until TIMESTAMP WITH TIME ZONE NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE NOT NULL
);

CREATE INDEX routing_first ON routing (first, valid_from);
