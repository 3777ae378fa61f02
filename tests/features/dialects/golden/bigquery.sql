WITH spine AS (
  SELECT
    `sensor` AS r0,
    `room` AS r1,
    `asked_at` AS r2,
    UNIX_MICROS(`asked_at`) AS noria_t,
    CAST(`sensor` AS STRING) AS noria_k0_0,
    CAST(`room` AS INT64) AS noria_k0_1
  FROM `requests` requests
),
asked_0 AS (
  SELECT
    asked.*,
    ((noria_t - 3600000000) - mod(mod((noria_t - 3600000000), 300000000) + 300000000, 300000000)) AS lo0,
    ((noria_t - 1123200000000) - mod(mod((noria_t - 1123200000000), 86400000000) + 86400000000, 86400000000)) AS lo1,
    ((noria_t - 420000000) - mod(mod((noria_t - 420000000), 300000000) + 300000000, 300000000)) AS lo2,
    ((noria_t - 3600000000)) AS lo3,
    ((noria_t - 90000000000) - mod(mod((noria_t - 90000000000), 420000000) + 420000000, 420000000)) AS lo4,
    ((noria_t - 86400000000) - mod(mod((noria_t - 86400000000), 3600000000) + 3600000000, 3600000000)) AS lo5,
    ((noria_t - 5400000000) - mod(mod((noria_t - 5400000000), 300000000) + 300000000, 300000000)) AS lo6,
    ((noria_t - 259200000000) - mod(mod((noria_t - 259200000000), 3600000000) + 3600000000, 3600000000)) AS lo7,
    (noria_t - 21600000000) AS lo8,
    (noria_t - 600000000) AS lo9,
    (noria_t - 259200000000) AS lo10
  FROM (SELECT DISTINCT noria_t, noria_k0_0, noria_k0_1 FROM spine WHERE noria_t IS NOT NULL AND noria_k0_0 IS NOT NULL AND noria_k0_1 IS NOT NULL) asked
),
rows_0 AS (
  SELECT
    CAST(`sensor` AS STRING) AS noria_k0_0,
    CAST(`room` AS INT64) AS noria_k0_1,
    UNIX_MICROS(`read_at`) AS noria_at,
    greatest(coalesce(UNIX_MICROS(`ingested_at`), UNIX_MICROS(`read_at`)), UNIX_MICROS(`read_at`)) AS noria_known,
    CAST(`id` AS STRING) AS noria_key,
    coalesce(CAST(`void` AS BOOL), FALSE) AS noria_taken,
    CASE WHEN NOT (IS_INF(CAST(`heat` AS FLOAT64)) OR IS_NAN(CAST(`heat` AS FLOAT64))) THEN CAST(`heat` AS FLOAT64) END AS c0,
    CAST(`ticks` AS INT64) AS c1,
    CAST(`mood` AS STRING) AS c2,
    CAST(`open` AS BOOL) AS c3,
    UNIX_MICROS(`due`) AS c4,
    CAST(`sensor` AS STRING) AS c9,
    CAST(`room` AS INT64) AS c10
  FROM `Reading` source_rows
),
events_0 AS (
  SELECT * FROM (SELECT rows_0.*, row_number() OVER (PARTITION BY noria_k0_0, noria_k0_1, noria_at, noria_key, noria_taken ORDER BY noria_known) AS noria_copy, CASE WHEN noria_key IS NOT NULL THEN min(CASE WHEN noria_taken THEN noria_known END) OVER (PARTITION BY noria_k0_0, noria_k0_1, noria_at, noria_key) END AS noria_gone FROM rows_0) told
  WHERE NOT noria_taken AND (noria_key IS NULL OR noria_copy = 1)
),
wanted_0_0 AS (
  SELECT DISTINCT noria_known AS noria_t, c9 AS w0 FROM events_0 WHERE c9 IS NOT NULL
),
rows_0_0 AS (
  SELECT
    CAST(`who` AS STRING) AS o0,
    UNIX_MICROS(`moved_at`) AS noria_at,
    greatest(coalesce(UNIX_MICROS(`ingested_at`), UNIX_MICROS(`moved_at`)), UNIX_MICROS(`moved_at`)) AS noria_known,
    CAST(`number` AS INT64) AS noria_key,
    coalesce(CAST(`sign` AS INT64) < 0, FALSE) AS noria_taken,
    CAST(`floor` AS INT64) AS c5,
    CAST(`owner` AS STRING) AS c6
  FROM `Place` source_rows
),
events_0_0 AS (
  SELECT * FROM (SELECT rows_0_0.*, row_number() OVER (PARTITION BY o0, noria_at, noria_key, noria_taken ORDER BY noria_known) AS noria_copy, CASE WHEN noria_key IS NOT NULL THEN min(CASE WHEN noria_taken THEN noria_known END) OVER (PARTITION BY o0, noria_at, noria_key) END AS noria_gone FROM rows_0_0) told
  WHERE NOT noria_taken AND (noria_key IS NULL OR noria_copy = 1)
),
found_0_0 AS (
  SELECT
    wanted_0_0.noria_t, wanted_0_0.w0,
    ARRAY_AGG(CASE WHEN TRUE THEN STRUCT(events_0_0.c5 AS v) END IGNORE NULLS ORDER BY events_0_0.noria_at DESC, events_0_0.noria_known DESC, events_0_0.noria_key DESC, events_0_0.c5 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS c5,
    ARRAY_AGG(CASE WHEN TRUE THEN STRUCT(events_0_0.c6 AS v) END IGNORE NULLS ORDER BY events_0_0.noria_at DESC, events_0_0.noria_known DESC, events_0_0.noria_key DESC, events_0_0.c6 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS c6
  FROM wanted_0_0 JOIN events_0_0 ON events_0_0.o0 = wanted_0_0.w0
    AND events_0_0.noria_at <= wanted_0_0.noria_t
    AND events_0_0.noria_known <= wanted_0_0.noria_t
    AND (events_0_0.noria_gone IS NULL OR events_0_0.noria_gone > wanted_0_0.noria_t)
    AND events_0_0.noria_at >= wanted_0_0.noria_t - 777600000000
  GROUP BY wanted_0_0.noria_t, wanted_0_0.w0
),
wide_0_0 AS (
  SELECT events_0.*, found_0_0.c5, found_0_0.c6
  FROM events_0 LEFT JOIN found_0_0 ON found_0_0.noria_t = events_0.noria_known AND found_0_0.w0 = events_0.c9
),
wanted_0_1 AS (
  SELECT DISTINCT noria_known AS noria_t, c2 AS w0, c10 AS w1 FROM wide_0_0 WHERE c2 IS NOT NULL AND c10 IS NOT NULL
),
rows_0_1 AS (
  SELECT
    CAST(`who` AS STRING) AS o0,
    CAST(`floor` AS INT64) AS o1,
    UNIX_MICROS(`moved_at`) AS noria_at,
    greatest(coalesce(UNIX_MICROS(`ingested_at`), UNIX_MICROS(`moved_at`)), UNIX_MICROS(`moved_at`)) AS noria_known,
    CAST(`floor` AS INT64) AS c7,
    CAST(`owner` AS STRING) AS c8
  FROM `Person` source_rows
),
events_0_1 AS (
  SELECT * FROM rows_0_1 WHERE TRUE
),
found_0_1 AS (
  SELECT
    wanted_0_1.noria_t, wanted_0_1.w0, wanted_0_1.w1,
    ARRAY_AGG(CASE WHEN TRUE THEN STRUCT(events_0_1.c7 AS v) END IGNORE NULLS ORDER BY events_0_1.noria_at DESC, events_0_1.noria_known DESC, events_0_1.c7 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS c7,
    ARRAY_AGG(CASE WHEN TRUE THEN STRUCT(events_0_1.c8 AS v) END IGNORE NULLS ORDER BY events_0_1.noria_at DESC, events_0_1.noria_known DESC, events_0_1.c8 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS c8
  FROM wanted_0_1 JOIN events_0_1 ON events_0_1.o0 = wanted_0_1.w0
    AND events_0_1.o1 = wanted_0_1.w1
    AND events_0_1.noria_at <= wanted_0_1.noria_t
    AND events_0_1.noria_known <= wanted_0_1.noria_t
  GROUP BY wanted_0_1.noria_t, wanted_0_1.w0, wanted_0_1.w1
),
wide_0_1 AS (
  SELECT wide_0_0.*, found_0_1.c7, found_0_1.c8
  FROM wide_0_0 LEFT JOIN found_0_1 ON found_0_1.noria_t = wide_0_0.noria_known AND found_0_1.w0 = wide_0_0.c2 AND found_0_1.w1 = wide_0_0.c10
),
marked_0 AS (
  SELECT from3.*, substr(m1, 1, 3) AS g1, substr(m2, 1, 3) AS g2, substr(m3, 1, 3) AS g3, substr(m8, 1, 3) AS g8, CASE WHEN d1 = '' THEN 0 ELSE 4 * (length(d1) - 1) + CASE WHEN substr(d1, 1, 1) = '1' THEN 1 WHEN substr(d1, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d1, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h1, CASE WHEN d2 = '' THEN 0 ELSE 4 * (length(d2) - 1) + CASE WHEN substr(d2, 1, 1) = '1' THEN 1 WHEN substr(d2, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d2, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h2, CASE WHEN d3 = '' THEN 0 ELSE 4 * (length(d3) - 1) + CASE WHEN substr(d3, 1, 1) = '1' THEN 1 WHEN substr(d3, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d3, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h3, CASE WHEN d8 = '' THEN 0 ELSE 4 * (length(d8) - 1) + CASE WHEN substr(d8, 1, 1) = '1' THEN 1 WHEN substr(d8, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d8, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h8, CASE WHEN c0 IS NOT NULL THEN CAST(CASE WHEN e0 IS NULL THEN 0 WHEN c0 < 0 THEN -(CASE WHEN r0 < 1 THEN 64 * (e0 + 1022) + floor((r0 * 2 - 1) * 64) + 1 WHEN r0 >= 2 THEN 64 * (e0 + 1024) + floor((r0 / 2 - 1) * 64) + 1 ELSE 64 * (e0 + 1023) + floor((r0 - 1) * 64) + 1 END) ELSE CASE WHEN r0 < 1 THEN 64 * (e0 + 1022) + floor((r0 * 2 - 1) * 64) + 1 WHEN r0 >= 2 THEN 64 * (e0 + 1024) + floor((r0 / 2 - 1) * 64) + 1 ELSE 64 * (e0 + 1023) + floor((r0 - 1) * 64) + 1 END END AS INT64) END AS b0, CASE WHEN c1 IS NOT NULL THEN CAST(CASE WHEN e1 IS NULL THEN 0 WHEN c1 < 0 THEN -(CASE WHEN r1 < 1 THEN 64 * (e1 + 1022) + floor((r1 * 2 - 1) * 64) + 1 WHEN r1 >= 2 THEN 64 * (e1 + 1024) + floor((r1 / 2 - 1) * 64) + 1 ELSE 64 * (e1 + 1023) + floor((r1 - 1) * 64) + 1 END) ELSE CASE WHEN r1 < 1 THEN 64 * (e1 + 1022) + floor((r1 * 2 - 1) * 64) + 1 WHEN r1 >= 2 THEN 64 * (e1 + 1024) + floor((r1 / 2 - 1) * 64) + 1 ELSE 64 * (e1 + 1023) + floor((r1 - 1) * 64) + 1 END END AS INT64) END AS b1
  FROM (SELECT from2.*, z0 / power(CAST(2 AS FLOAT64), CAST(e0 AS FLOAT64)) AS r0, z1 / power(CAST(2 AS FLOAT64), CAST(e1 AS FLOAT64)) AS r1
  FROM (SELECT from1.*, ltrim(substr(m1, 4, 10), '0') AS d1, ltrim(substr(m2, 4, 10), '0') AS d2, ltrim(substr(m3, 4, 10), '0') AS d3, ltrim(substr(m8, 4, 10), '0') AS d8, CASE WHEN z0 >= CAST('2.2250738585072014e-308' AS FLOAT64) THEN greatest(least(floor(ln(z0) / CAST('0.6931471805599453' AS FLOAT64)), 1023), -1022) END AS e0, CASE WHEN z1 >= CAST('2.2250738585072014e-308' AS FLOAT64) THEN greatest(least(floor(ln(z1) / CAST('0.6931471805599453' AS FLOAT64)), 1023), -1022) END AS e1
  FROM (SELECT from0.*, TO_HEX(MD5(CAST(c1 AS STRING))) AS m1, TO_HEX(MD5(c2)) AS m2, TO_HEX(MD5(CASE WHEN c3 THEN 'true' WHEN NOT c3 THEN 'false' END)) AS m3, TO_HEX(MD5(c8)) AS m8, abs(CAST(c0 AS FLOAT64)) AS z0, abs(CAST(c1 AS FLOAT64)) AS z1
  FROM wide_0_1 from0) from1) from2) from3
),
pairs_0 AS (
  SELECT
    asked_0.noria_t,
    asked_0.noria_k0_0,
    asked_0.noria_k0_1,
    events_0.noria_at,
    events_0.noria_known,
    events_0.noria_key,
    events_0.c0,
    events_0.c1,
    events_0.c2,
    events_0.c3,
    events_0.c4,
    events_0.c5,
    events_0.c6,
    events_0.c7,
    events_0.c8,
    events_0.c9,
    events_0.c10,
    events_0.g1,
    events_0.h1,
    events_0.g2,
    events_0.h2,
    events_0.g3,
    events_0.h3,
    events_0.g8,
    events_0.h8,
    events_0.b0,
    events_0.b1,
    (events_0.noria_at >= asked_0.lo0 AND events_0.noria_at < asked_0.noria_t) AS in0,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t) AS in1,
    (events_0.noria_at >= asked_0.lo2 AND events_0.noria_at < asked_0.noria_t) AS in2,
    (events_0.noria_at >= asked_0.lo3 AND events_0.noria_at < asked_0.noria_t) AS in3,
    (events_0.noria_at >= asked_0.lo4 AND events_0.noria_at < asked_0.noria_t - 3600000000) AS in4,
    (events_0.noria_at < asked_0.noria_t) AS in5,
    (events_0.noria_at >= asked_0.lo0 AND events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it\'s \\ bad') AS in6,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t) AS in7,
    (events_0.noria_at < asked_0.noria_t - 1) AS in8,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS FLOAT64) AND events_0.c2 <> 'it\'s \\ bad') AS in9,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it\'s \\ bad') AS in10,
    (events_0.noria_at >= asked_0.lo6 AND events_0.noria_at < asked_0.noria_t) AS in11,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t AND events_0.c1 >= 0) AS in12,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS FLOAT64)) AS in13,
    (events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it\'s \\ bad') AS in14,
    (events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS FLOAT64)) AS in15,
    (events_0.noria_at >= asked_0.lo7 AND events_0.noria_at < asked_0.noria_t) AS in16,
    (events_0.noria_at >= asked_0.lo8) AS in17,
    (events_0.noria_at >= asked_0.lo9) AS in18,
    (events_0.noria_at >= asked_0.lo10 AND events_0.c2 <> 'it\'s \\ bad') AS in19,
    (TRUE) AS in20,
    (events_0.noria_at >= asked_0.lo10) AS in21,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t AND events_0.c5 > 1) AS in22
  FROM asked_0 JOIN marked_0 events_0 ON events_0.noria_k0_0 = asked_0.noria_k0_0
    AND events_0.noria_k0_1 = asked_0.noria_k0_1
    AND events_0.noria_at <= asked_0.noria_t
    AND events_0.noria_known <= asked_0.noria_t
    AND (events_0.noria_gone IS NULL OR events_0.noria_gone > asked_0.noria_t)
),
parts_0 AS (
  SELECT
    noria_t, noria_k0_0, noria_k0_1,
    count(CASE WHEN in0 THEN 1 END) AS s0,
    count(CASE WHEN in1 THEN 1 END) AS s1,
    count(CASE WHEN in2 THEN 1 END) AS s2,
    count(CASE WHEN in3 THEN 1 END) AS s3,
    count(CASE WHEN in4 THEN 1 END) AS s4,
    count(CASE WHEN in5 THEN 1 END) AS s5,
    count(CASE WHEN in6 AND c0 IS NOT NULL THEN 1 END) AS s6,
    sum(CASE WHEN in0 AND c0 IS NOT NULL THEN c0 END) AS s7,
    count(CASE WHEN in0 AND c0 IS NOT NULL THEN 1 END) AS s8,
    SUM(CAST(CASE WHEN in7 THEN c1 END AS BIGNUMERIC)) AS s9,
    count(CASE WHEN in7 AND c1 IS NOT NULL THEN 1 END) AS s10,
    SUM(CAST(CASE WHEN in0 THEN c1 END AS BIGNUMERIC)) AS s11,
    count(CASE WHEN in0 AND c1 IS NOT NULL THEN 1 END) AS s12,
    SUM(CAST(CASE WHEN in8 THEN c1 END AS BIGNUMERIC)) AS s13,
    count(CASE WHEN in8 AND c1 IS NOT NULL THEN 1 END) AS s14,
    sum(CASE WHEN in7 AND c0 IS NOT NULL THEN c0 END) AS s15,
    count(CASE WHEN in7 AND c0 IS NOT NULL THEN 1 END) AS s16,
    min(CASE WHEN in0 THEN c0 END) AS s17,
    max(CASE WHEN in9 THEN c1 END) AS s18,
    var_samp(CASE WHEN in1 AND c0 IS NOT NULL THEN CAST(c0 AS FLOAT64) END) AS s19,
    var_samp(CASE WHEN in10 AND c0 IS NOT NULL THEN CAST(c0 AS FLOAT64) END) AS s20,
    var_samp(CASE WHEN in1 AND c1 IS NOT NULL THEN CAST(c1 AS FLOAT64) END) AS s21,
    count(CASE WHEN in11 AND c0 > CAST('2.25' AS FLOAT64) THEN 1 END) AS s22,
    count(CASE WHEN in11 AND c0 IS NOT NULL THEN 1 END) AS s23,
    count(CASE WHEN in12 AND c2 <> 'it\'s \\ bad' THEN 1 END) AS s24,
    count(CASE WHEN in12 AND c2 IS NOT NULL THEN 1 END) AS s25,
    count(CASE WHEN in7 AND c2 < 'a' THEN 1 END) AS s26,
    count(CASE WHEN in7 AND c2 IS NOT NULL THEN 1 END) AS s27,
    count(CASE WHEN in7 AND CASE WHEN c3 THEN 1 WHEN NOT c3 THEN 0 END = 1 THEN 1 END) AS s28,
    count(CASE WHEN in7 AND c3 IS NOT NULL THEN 1 END) AS s29,
    ARRAY_AGG(CASE WHEN in7 AND c0 IS NOT NULL THEN STRUCT(c0 AS v) END IGNORE NULLS ORDER BY noria_at ASC, noria_known ASC, noria_key ASC, c0 ASC LIMIT 1)[SAFE_OFFSET(0)].v AS s30,
    ARRAY_AGG(CASE WHEN in7 AND c2 IS NOT NULL THEN STRUCT(c2 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c2 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s31,
    ARRAY_AGG(CASE WHEN in13 AND c3 IS NOT NULL THEN STRUCT(c3 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c3 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s32,
    ARRAY_AGG(CASE WHEN in1 AND b0 IS NOT NULL THEN b0 END IGNORE NULLS ORDER BY b0 ASC) AS s33,
    count(CASE WHEN in1 AND b0 IS NOT NULL THEN 1 END) AS s34,
    ARRAY_AGG(CASE WHEN in5 AND b1 IS NOT NULL THEN b1 END IGNORE NULLS ORDER BY b1 ASC) AS s35,
    count(CASE WHEN in5 AND b1 IS NOT NULL THEN 1 END) AS s36,
    ARRAY_AGG(CASE WHEN in1 AND c0 IS NOT NULL THEN c0 END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c0 DESC LIMIT 2) AS s37,
    ARRAY_AGG(CASE WHEN in15 AND c2 IS NOT NULL THEN c2 END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c2 DESC LIMIT 3) AS s38,
    ARRAY_AGG(CASE WHEN in1 AND c3 IS NOT NULL THEN c3 END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c3 DESC LIMIT 2) AS s39,
    ARRAY_AGG(CASE WHEN in16 AND c1 IS NOT NULL THEN c1 END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c1 DESC LIMIT 5) AS s40,
    ARRAY_AGG(CASE WHEN in17 THEN STRUCT(c0 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c0 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s41,
    ARRAY_AGG(CASE WHEN in18 THEN STRUCT(c2 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c2 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s42,
    ARRAY_AGG(CASE WHEN in19 THEN STRUCT(c1 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c1 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s43,
    ARRAY_AGG(CASE WHEN in20 THEN STRUCT(c3 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c3 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s44,
    ARRAY_AGG(CASE WHEN in21 THEN STRUCT(c4 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c4 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s45,
    ARRAY_AGG(CASE WHEN in21 THEN STRUCT(c5 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c5 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s46,
    ARRAY_AGG(CASE WHEN in1 AND c6 IS NOT NULL THEN STRUCT(c6 AS v) END IGNORE NULLS ORDER BY noria_at DESC, noria_known DESC, noria_key DESC, c6 DESC LIMIT 1)[SAFE_OFFSET(0)].v AS s47,
    count(CASE WHEN in22 THEN 1 END) AS s48,
    SUM(CAST(CASE WHEN in5 THEN c7 END AS BIGNUMERIC)) AS s49,
    count(CASE WHEN in5 AND c7 IS NOT NULL THEN 1 END) AS s50
  FROM pairs_0 GROUP BY noria_t, noria_k0_0, noria_k0_1
),
distinct_0_0 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS FLOAT64) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) END + CAST('0.5' AS FLOAT64)) AS INT64) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS FLOAT64), CAST(bits AS FLOAT64))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g2, min(h2) AS bits FROM pairs_0 WHERE in1 AND g2 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g2) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_1 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS FLOAT64) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) END + CAST('0.5' AS FLOAT64)) AS INT64) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS FLOAT64), CAST(bits AS FLOAT64))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g1, min(h1) AS bits FROM pairs_0 WHERE in14 AND g1 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g1) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_2 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS FLOAT64) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) END + CAST('0.5' AS FLOAT64)) AS INT64) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS FLOAT64), CAST(bits AS FLOAT64))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g3, min(h3) AS bits FROM pairs_0 WHERE in1 AND g3 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g3) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_3 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS FLOAT64) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS FLOAT64) / ((scaled + (4096 - filled) * CAST(2199023255552 AS FLOAT64)) / 2199023255552)) END + CAST('0.5' AS FLOAT64)) AS INT64) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS FLOAT64), CAST(bits AS FLOAT64))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g8, min(h8) AS bits FROM pairs_0 WHERE in5 AND g8 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g8) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
view_0 AS (
  SELECT
    parts_0.noria_t,
    parts_0.noria_k0_0,
    parts_0.noria_k0_1,
    s0 AS f0,
    s1 AS f1,
    s2 AS f2,
    s3 AS f3,
    s4 AS f4,
    s5 AS f5,
    s6 AS f6,
    CASE WHEN s8 > 0 THEN CASE WHEN NOT (IS_INF(((s7) / s8)) OR IS_NAN(((s7) / s8))) THEN ((s7) / s8) END END AS f7,
    CASE WHEN s10 > 0 THEN CASE WHEN NOT (IS_INF(((CAST(s9 AS FLOAT64)) / s10)) OR IS_NAN(((CAST(s9 AS FLOAT64)) / s10))) THEN ((CAST(s9 AS FLOAT64)) / s10) END END AS f8,
    CASE WHEN s12 > 0 THEN CASE WHEN s11 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s11 AS INT64) END END AS f9,
    CASE WHEN s14 > 0 THEN CASE WHEN s13 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s13 AS INT64) END END AS f10,
    CASE WHEN s16 > 0 THEN CASE WHEN NOT (IS_INF((s15)) OR IS_NAN((s15))) THEN (s15) END END AS f11,
    s17 AS f12,
    s18 AS f13,
    CASE WHEN NOT (IS_INF((s19)) OR IS_NAN((s19))) THEN s19 END AS f14,
    sqrt(CASE WHEN NOT (IS_INF((s20)) OR IS_NAN((s20))) THEN s20 END) AS f15,
    sqrt(CASE WHEN NOT (IS_INF((s21)) OR IS_NAN((s21))) THEN s21 END) AS f16,
    CASE WHEN s23 > 0 THEN CASE WHEN NOT (IS_INF(((CAST(s22 AS FLOAT64)) / s23)) OR IS_NAN(((CAST(s22 AS FLOAT64)) / s23))) THEN ((CAST(s22 AS FLOAT64)) / s23) END END AS f17,
    CASE WHEN s25 > 0 THEN CASE WHEN NOT (IS_INF(((CAST(s24 AS FLOAT64)) / s25)) OR IS_NAN(((CAST(s24 AS FLOAT64)) / s25))) THEN ((CAST(s24 AS FLOAT64)) / s25) END END AS f18,
    CASE WHEN s27 > 0 THEN CASE WHEN NOT (IS_INF(((CAST(s26 AS FLOAT64)) / s27)) OR IS_NAN(((CAST(s26 AS FLOAT64)) / s27))) THEN ((CAST(s26 AS FLOAT64)) / s27) END END AS f19,
    CASE WHEN s29 > 0 THEN CASE WHEN NOT (IS_INF(((CAST(s28 AS FLOAT64)) / s29)) OR IS_NAN(((CAST(s28 AS FLOAT64)) / s29))) THEN ((CAST(s28 AS FLOAT64)) / s29) END END AS f20,
    s30 AS f21,
    s31 AS f22,
    s32 AS f23,
    distinct_0_0.value AS f24,
    distinct_0_1.value AS f25,
    distinct_0_2.value AS f26,
    CASE WHEN s34 > 0 THEN CASE WHEN s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))] = 0 THEN CAST(0 AS FLOAT64) WHEN s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))] < 0 THEN -((1 + CAST((2 * mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1 - mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64))) ELSE (1 + CAST((2 * mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1 - mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.5' AS FLOAT64) * s34)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64)) END END AS f27,
    CASE WHEN s34 > 0 THEN CASE WHEN s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))] = 0 THEN CAST(0 AS FLOAT64) WHEN s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))] < 0 THEN -((1 + CAST((2 * mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1 - mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64))) ELSE (1 + CAST((2 * mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1 - mod((abs(s33[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.9' AS FLOAT64) * s34)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64)) END END AS f28,
    CASE WHEN s36 > 0 THEN CASE WHEN s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))] = 0 THEN CAST(0 AS FLOAT64) WHEN s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))] < 0 THEN -((1 + CAST((2 * mod((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1 - mod((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64))) ELSE (1 + CAST((2 * mod((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1), 64) + 1) AS FLOAT64) / 128) * power(CAST(2 AS FLOAT64), CAST((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1 - mod((abs(s35[SAFE_ORDINAL(CAST(greatest(1, ceil(CAST('0.1' AS FLOAT64) * s36)) AS INT64))]) - 1), 64)) / 64 - 1023 AS FLOAT64)) END END AS f29,
    s37 AS f30,
    s38 AS f31,
    s39 AS f32,
    s40 AS f33,
    s41 AS f34,
    s42 AS f35,
    s43 AS f36,
    s44 AS f37,
    s45 AS f38,
    s46 AS f39,
    s47 AS f40,
    s48 AS f41,
    CASE WHEN s50 > 0 THEN CASE WHEN s49 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s49 AS INT64) END END AS f42,
    distinct_0_3.value AS f43
  FROM parts_0 LEFT JOIN distinct_0_0 ON distinct_0_0.noria_t = parts_0.noria_t AND distinct_0_0.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_0.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_1 ON distinct_0_1.noria_t = parts_0.noria_t AND distinct_0_1.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_1.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_2 ON distinct_0_2.noria_t = parts_0.noria_t AND distinct_0_2.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_2.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_3 ON distinct_0_3.noria_t = parts_0.noria_t AND distinct_0_3.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_3.noria_k0_1 = parts_0.noria_k0_1
)
SELECT
  spine.r0 AS `sensor`,
  spine.r1 AS `room`,
  spine.r2 AS `asked_at`,
  CAST(coalesce(view_0.f0, 0) AS INT64) AS `Sensor__rows_1h`,
  CAST(coalesce(view_0.f1, 0) AS INT64) AS `Sensor__rows_13d`,
  CAST(coalesce(view_0.f2, 0) AS INT64) AS `Sensor__rows_7min`,
  CAST(coalesce(view_0.f3, 0) AS INT64) AS `Sensor__rows_exact`,
  CAST(coalesce(view_0.f4, 0) AS INT64) AS `Sensor__rows_before`,
  CAST(coalesce(view_0.f5, 0) AS INT64) AS `Sensor__rows_ever`,
  CAST(coalesce(view_0.f6, 0) AS INT64) AS `Sensor__heats_1h`,
  CAST(view_0.f7 AS FLOAT64) AS `Sensor__mean_heat_1h`,
  CAST(view_0.f8 AS FLOAT64) AS `Sensor__mean_ticks_24h`,
  CAST(view_0.f9 AS INT64) AS `Sensor__sum_ticks_1h`,
  CAST(view_0.f10 AS INT64) AS `Sensor__sum_ticks_ever`,
  CAST(view_0.f11 AS FLOAT64) AS `Sensor__sum_heat_24h`,
  CAST(view_0.f12 AS FLOAT64) AS `Sensor__coldest_1h`,
  CAST(view_0.f13 AS INT64) AS `Sensor__most_ticks_13d`,
  CAST(view_0.f14 AS FLOAT64) AS `Sensor__var_heat_13d`,
  CAST(view_0.f15 AS FLOAT64) AS `Sensor__std_heat_24h`,
  CAST(view_0.f16 AS FLOAT64) AS `Sensor__std_ticks_13d`,
  CAST(view_0.f17 AS FLOAT64) AS `Sensor__warm_90min`,
  CAST(view_0.f18 AS FLOAT64) AS `Sensor__calm_24h`,
  CAST(view_0.f19 AS FLOAT64) AS `Sensor__early_24h`,
  CAST(view_0.f20 AS FLOAT64) AS `Sensor__opened_24h`,
  CAST(view_0.f21 AS FLOAT64) AS `Sensor__first_heat_24h`,
  CAST(view_0.f22 AS STRING) AS `Sensor__last_mood_24h`,
  CAST(view_0.f23 AS BOOL) AS `Sensor__last_open_13d`,
  CAST(coalesce(view_0.f24, 0) AS INT64) AS `Sensor__moods_13d`,
  CAST(coalesce(view_0.f25, 0) AS INT64) AS `Sensor__ticks_ever`,
  CAST(coalesce(view_0.f26, 0) AS INT64) AS `Sensor__opens_13d`,
  CAST(view_0.f27 AS FLOAT64) AS `Sensor__median_heat_13d`,
  CAST(view_0.f28 AS FLOAT64) AS `Sensor__high_heat_13d`,
  CAST(view_0.f29 AS FLOAT64) AS `Sensor__low_ticks_ever`,
  coalesce(view_0.f30, ARRAY<FLOAT64>[]) AS `Sensor__two_heats_13d`,
  coalesce(view_0.f31, ARRAY<STRING>[]) AS `Sensor__three_moods_ever`,
  coalesce(view_0.f32, ARRAY<BOOL>[]) AS `Sensor__two_opens_13d`,
  coalesce(view_0.f33, ARRAY<INT64>[]) AS `Sensor__ticks_3d`,
  CAST(view_0.f34 AS FLOAT64) AS `Sensor__heat`,
  CAST(view_0.f35 AS STRING) AS `Sensor__mood`,
  CAST(view_0.f36 AS INT64) AS `Sensor__ticks`,
  CAST(view_0.f37 AS BOOL) AS `Sensor__open`,
  CAST(view_0.f38 AS INT64) AS `Sensor__due`,
  CAST(view_0.f39 AS INT64) AS `Sensor__floor`,
  CAST(view_0.f40 AS STRING) AS `Sensor__owner`,
  CAST(coalesce(view_0.f41, 0) AS INT64) AS `Sensor__high_up`,
  CAST(view_0.f42 AS INT64) AS `Sensor__floors`,
  CAST(coalesce(view_0.f43, 0) AS INT64) AS `Sensor__owners`
FROM spine
LEFT JOIN view_0 ON view_0.noria_t = spine.noria_t AND view_0.noria_k0_0 = spine.noria_k0_0 AND view_0.noria_k0_1 = spine.noria_k0_1
