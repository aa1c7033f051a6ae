-- What a code has when it is transferred: 50 series, and 200,000 numbers ported to it by cases that are completed.
WITH entered AS (
    INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
    SELECT gen_random_uuid(), int8range(4740000000 + n * 10000, 4740000000 + (n + 1) * 10000), 'MOBILE', 'B10', 'open',
           'benchmark', tstzrange(now() - interval '1 day', NULL)
      FROM generate_series(0, 49) AS n RETURNING numbers
)
SELECT count(*) FROM entered;

SELECT reroute(now() - interval '1 day', array_agg(lower(numbers)), array_agg(upper(numbers) - 1))
  FROM (SELECT numbers FROM series WHERE lower(numbers) BETWEEN 4740000000 AND 4740490000 ORDER BY numbers) s;

SELECT sum(reroute(now() - interval '1 hour', firsts, firsts, said)) FROM (
       SELECT array_agg(number ORDER BY number) AS firsts,
              json_agg(json_build_object('first', number, 'since', now() - interval '1 hour', 'undo', false,
                       'holder', 'B10', 'network', CASE n % 4 WHEN 0 THEN 'B12' ELSE 'B10' END)) AS said
         FROM (SELECT n, 4795000000 + n * 2 AS number FROM generate_series(0, 199999) AS n) one
        GROUP BY n / 5000) some;
