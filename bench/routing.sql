-- Every second number of :count*2 ported, the others between them at home: as a table of so many ported numbers stands.
DELETE FROM routing WHERE first >= 4790000000 AND first < 4800000000;

WITH place AS MATERIALIZED (SELECT routing_places(:count * 2 + 20) AS first)
INSERT INTO routing (put_seq, first, last, holder, network, routing_number, range_holder, valid_from, served_since, recorded_at,
                     own_holder, own_network, own_since)
SELECT place.first + n, 4790000000 + n, CASE WHEN n = :count * 2 - 1 THEN 4799999999 ELSE 4790000000 + n END,
       taker.code, taker.code, taker.routing_number, home.code, asked.since, asked.since,
       now(), CASE n % 2 WHEN 1 THEN taker.code END, CASE n % 2 WHEN 1 THEN taker.code END,
       CASE n % 2 WHEN 1 THEN asked.since END
  FROM place, generate_series(0::bigint, :count * 2 - 1) AS n,
       LATERAL (SELECT 'B' || lpad((n / 1000000)::text, 2, '0') AS code, timestamptz '2020-01-01T00:00:00Z' AS since) home,
       LATERAL (SELECT CASE n % 2 WHEN 0 THEN home.code ELSE 'B' || (10 + n / 2 % 10) END AS code,
                       CASE n % 2 WHEN 0 THEN home.since ELSE home.since + n % 2000 * interval '1 day' END AS since) asked,
       LATERAL (SELECT p.code, p.routing_number FROM provider p WHERE p.code = asked.code OFFSET 0) taker;
