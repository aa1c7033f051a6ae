-- What a code has when it is transferred: 50 series, and 200,000 numbers ported to it by cases that are completed.
INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
SELECT gen_random_uuid(), int8range(4740000000 + n * 10000, 4740000000 + (n + 1) * 10000), 'MOBILE', 'B10', 'open',
       'benchmark', tstzrange(now() - interval '1 day', NULL)
  FROM generate_series(0, 49) AS n;

INSERT INTO routing (numbers, holder, network, case_id, valid, recorded_at)
SELECT int8range(4795000000 + n * 2, 4795000000 + n * 2, '[]'), 'B10', CASE n % 4 WHEN 0 THEN 'B12' ELSE 'B10' END,
       gen_random_uuid(), tstzrange(now() - interval '1 hour', NULL), now() - interval '2 hours'
  FROM generate_series(0, 199999) AS n;
