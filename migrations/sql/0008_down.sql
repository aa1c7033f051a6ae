DROP INDEX ix_cases_ended;

CREATE OR REPLACE FUNCTION enum.tel_uri(number bigint, ported boolean, routing_number text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'tel:+' || number || ';npdi'
           || CASE WHEN NOT ported OR routing_number IS NULL THEN ''
                   WHEN routing_number LIKE '+%' THEN ';rn=' || routing_number
                   ELSE ';rn=' || routing_number || ';rn-context=+47' END
$$;
