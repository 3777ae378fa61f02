WITH spine AS (
  SELECT
    "sensor" AS r0,
    "room" AS r1,
    "asked_at" AS r2,
    CAST(extract(epoch FROM "asked_at") * 1000000 AS bigint) AS noria_t,
    CAST("sensor" AS text) COLLATE "C" AS noria_k0_0,
    CAST("room" AS bigint) AS noria_k0_1
  FROM "requests" requests
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
    CAST("sensor" AS text) COLLATE "C" AS noria_k0_0,
    CAST("room" AS bigint) AS noria_k0_1,
    CAST(extract(epoch FROM "read_at") * 1000000 AS bigint) AS noria_at,
    greatest(coalesce(CAST(extract(epoch FROM "ingested_at") * 1000000 AS bigint), CAST(extract(epoch FROM "read_at") * 1000000 AS bigint)), CAST(extract(epoch FROM "read_at") * 1000000 AS bigint)) AS noria_known,
    CAST("id" AS text) COLLATE "C" AS noria_key,
    coalesce(CAST("void" AS boolean), FALSE) AS noria_taken,
    CASE WHEN abs(CAST("heat" AS double precision)) < 'Infinity'::float8 THEN CAST("heat" AS double precision) END AS c0,
    CAST("ticks" AS bigint) AS c1,
    CAST("mood" AS text) COLLATE "C" AS c2,
    CAST("open" AS boolean) AS c3,
    CAST(extract(epoch FROM "due") * 1000000 AS bigint) AS c4,
    CAST("sensor" AS text) COLLATE "C" AS c9,
    CAST("room" AS bigint) AS c10
  FROM "Reading" source_rows
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
    CAST("who" AS text) COLLATE "C" AS o0,
    CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint) AS noria_at,
    greatest(coalesce(CAST(extract(epoch FROM "ingested_at") * 1000000 AS bigint), CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint)), CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint)) AS noria_known,
    CAST("number" AS bigint) AS noria_key,
    coalesce(CAST("sign" AS bigint) < 0, FALSE) AS noria_taken,
    CAST("floor" AS bigint) AS c5,
    CAST("owner" AS text) COLLATE "C" AS c6
  FROM "Place" source_rows
),
events_0_0 AS (
  SELECT * FROM (SELECT rows_0_0.*, row_number() OVER (PARTITION BY o0, noria_at, noria_key, noria_taken ORDER BY noria_known) AS noria_copy, CASE WHEN noria_key IS NOT NULL THEN min(CASE WHEN noria_taken THEN noria_known END) OVER (PARTITION BY o0, noria_at, noria_key) END AS noria_gone FROM rows_0_0) told
  WHERE NOT noria_taken AND (noria_key IS NULL OR noria_copy = 1)
),
found_0_0 AS (
  SELECT
    wanted_0_0.noria_t, wanted_0_0.w0,
    (array_agg(events_0_0.c5 ORDER BY events_0_0.noria_at DESC NULLS LAST, events_0_0.noria_known DESC NULLS LAST, events_0_0.noria_key DESC NULLS LAST, events_0_0.c5 DESC NULLS LAST) FILTER (WHERE TRUE))[1] AS c5,
    (array_agg(events_0_0.c6 ORDER BY events_0_0.noria_at DESC NULLS LAST, events_0_0.noria_known DESC NULLS LAST, events_0_0.noria_key DESC NULLS LAST, events_0_0.c6 DESC NULLS LAST) FILTER (WHERE TRUE))[1] AS c6
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
    CAST("who" AS text) COLLATE "C" AS o0,
    CAST("floor" AS bigint) AS o1,
    CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint) AS noria_at,
    greatest(coalesce(CAST(extract(epoch FROM "ingested_at") * 1000000 AS bigint), CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint)), CAST(extract(epoch FROM "moved_at") * 1000000 AS bigint)) AS noria_known,
    CAST("floor" AS bigint) AS c7,
    CAST("owner" AS text) COLLATE "C" AS c8
  FROM "Person" source_rows
),
events_0_1 AS (
  SELECT * FROM rows_0_1 WHERE TRUE
),
found_0_1 AS (
  SELECT
    wanted_0_1.noria_t, wanted_0_1.w0, wanted_0_1.w1,
    (array_agg(events_0_1.c7 ORDER BY events_0_1.noria_at DESC NULLS LAST, events_0_1.noria_known DESC NULLS LAST, events_0_1.c7 DESC NULLS LAST) FILTER (WHERE TRUE))[1] AS c7,
    (array_agg(events_0_1.c8 ORDER BY events_0_1.noria_at DESC NULLS LAST, events_0_1.noria_known DESC NULLS LAST, events_0_1.c8 DESC NULLS LAST) FILTER (WHERE TRUE))[1] AS c8
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
  SELECT from3.*, substr(m1, 1, 3) AS g1, substr(m2, 1, 3) AS g2, substr(m3, 1, 3) AS g3, substr(m8, 1, 3) AS g8, CASE WHEN d1 = '' THEN 0 ELSE 4 * (length(d1) - 1) + CASE WHEN substr(d1, 1, 1) = '1' THEN 1 WHEN substr(d1, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d1, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h1, CASE WHEN d2 = '' THEN 0 ELSE 4 * (length(d2) - 1) + CASE WHEN substr(d2, 1, 1) = '1' THEN 1 WHEN substr(d2, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d2, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h2, CASE WHEN d3 = '' THEN 0 ELSE 4 * (length(d3) - 1) + CASE WHEN substr(d3, 1, 1) = '1' THEN 1 WHEN substr(d3, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d3, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h3, CASE WHEN d8 = '' THEN 0 ELSE 4 * (length(d8) - 1) + CASE WHEN substr(d8, 1, 1) = '1' THEN 1 WHEN substr(d8, 1, 1) IN ('2', '3') THEN 2 WHEN substr(d8, 1, 1) IN ('4', '5', '6', '7') THEN 3 ELSE 4 END END AS h8, CASE WHEN c0 IS NOT NULL THEN CAST(CASE WHEN e0 IS NULL THEN 0 WHEN c0 < 0 THEN -(CASE WHEN r0 < 1 THEN 64 * (e0 + 1022) + floor((r0 * 2 - 1) * 64) + 1 WHEN r0 >= 2 THEN 64 * (e0 + 1024) + floor((r0 / 2 - 1) * 64) + 1 ELSE 64 * (e0 + 1023) + floor((r0 - 1) * 64) + 1 END) ELSE CASE WHEN r0 < 1 THEN 64 * (e0 + 1022) + floor((r0 * 2 - 1) * 64) + 1 WHEN r0 >= 2 THEN 64 * (e0 + 1024) + floor((r0 / 2 - 1) * 64) + 1 ELSE 64 * (e0 + 1023) + floor((r0 - 1) * 64) + 1 END END AS bigint) END AS b0, CASE WHEN c1 IS NOT NULL THEN CAST(CASE WHEN e1 IS NULL THEN 0 WHEN c1 < 0 THEN -(CASE WHEN r1 < 1 THEN 64 * (e1 + 1022) + floor((r1 * 2 - 1) * 64) + 1 WHEN r1 >= 2 THEN 64 * (e1 + 1024) + floor((r1 / 2 - 1) * 64) + 1 ELSE 64 * (e1 + 1023) + floor((r1 - 1) * 64) + 1 END) ELSE CASE WHEN r1 < 1 THEN 64 * (e1 + 1022) + floor((r1 * 2 - 1) * 64) + 1 WHEN r1 >= 2 THEN 64 * (e1 + 1024) + floor((r1 / 2 - 1) * 64) + 1 ELSE 64 * (e1 + 1023) + floor((r1 - 1) * 64) + 1 END END AS bigint) END AS b1
  FROM (SELECT from2.*, z0 / power(CAST(2 AS double precision), CAST(e0 AS double precision)) AS r0, z1 / power(CAST(2 AS double precision), CAST(e1 AS double precision)) AS r1
  FROM (SELECT from1.*, ltrim(substr(m1, 4, 10), '0') AS d1, ltrim(substr(m2, 4, 10), '0') AS d2, ltrim(substr(m3, 4, 10), '0') AS d3, ltrim(substr(m8, 4, 10), '0') AS d8, CASE WHEN z0 >= CAST('2.2250738585072014e-308' AS double precision) THEN greatest(least(floor(ln(z0) / CAST('0.6931471805599453' AS double precision)), 1023), -1022) END AS e0, CASE WHEN z1 >= CAST('2.2250738585072014e-308' AS double precision) THEN greatest(least(floor(ln(z1) / CAST('0.6931471805599453' AS double precision)), 1023), -1022) END AS e1
  FROM (SELECT from0.*, md5(convert_to(CAST(c1 AS text), 'UTF8')) AS m1, md5(convert_to(c2, 'UTF8')) AS m2, md5(convert_to(CASE WHEN c3 THEN 'true' WHEN NOT c3 THEN 'false' END, 'UTF8')) AS m3, md5(convert_to(c8, 'UTF8')) AS m8, abs(CAST(c0 AS double precision)) AS z0, abs(CAST(c1 AS double precision)) AS z1
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
    (events_0.noria_at >= asked_0.lo0 AND events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it''s \ bad') AS in6,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t) AS in7,
    (events_0.noria_at < asked_0.noria_t - 1) AS in8,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS double precision) AND events_0.c2 <> 'it''s \ bad') AS in9,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it''s \ bad') AS in10,
    (events_0.noria_at >= asked_0.lo6 AND events_0.noria_at < asked_0.noria_t) AS in11,
    (events_0.noria_at >= asked_0.lo5 AND events_0.noria_at < asked_0.noria_t AND events_0.c1 >= 0) AS in12,
    (events_0.noria_at >= asked_0.lo1 AND events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS double precision)) AS in13,
    (events_0.noria_at < asked_0.noria_t AND events_0.c2 <> 'it''s \ bad') AS in14,
    (events_0.noria_at < asked_0.noria_t AND events_0.c0 > CAST('2.25' AS double precision)) AS in15,
    (events_0.noria_at >= asked_0.lo7 AND events_0.noria_at < asked_0.noria_t) AS in16,
    (events_0.noria_at >= asked_0.lo8) AS in17,
    (events_0.noria_at >= asked_0.lo9) AS in18,
    (events_0.noria_at >= asked_0.lo10 AND events_0.c2 <> 'it''s \ bad') AS in19,
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
    sum(CASE WHEN in0 AND c0 IS NOT NULL THEN CASE WHEN abs(c0) < 9223372036854775808::float8 THEN CAST(CAST(trunc(c0) AS bigint) AS numeric) + CAST(CAST(trunc(((c0 - trunc(c0)) * 4503599627370496::float8)) AS bigint) AS numeric) * 2220446049250313080847263336181640625e-52 + CAST(CAST(trunc(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8)) AS bigint) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 + CAST(CAST(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8) - trunc(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8)) AS text) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 ELSE CAST(CAST(c0 AS text) AS numeric) END END) AS s7,
    count(CASE WHEN in0 AND c0 IS NOT NULL THEN 1 END) AS s8,
    sum(CAST(CASE WHEN in7 THEN c1 END AS bigint)) AS s9,
    count(CASE WHEN in7 AND c1 IS NOT NULL THEN 1 END) AS s10,
    sum(CAST(CASE WHEN in0 THEN c1 END AS bigint)) AS s11,
    count(CASE WHEN in0 AND c1 IS NOT NULL THEN 1 END) AS s12,
    sum(CAST(CASE WHEN in8 THEN c1 END AS bigint)) AS s13,
    count(CASE WHEN in8 AND c1 IS NOT NULL THEN 1 END) AS s14,
    sum(CASE WHEN in7 AND c0 IS NOT NULL THEN CASE WHEN abs(c0) < 9223372036854775808::float8 THEN CAST(CAST(trunc(c0) AS bigint) AS numeric) + CAST(CAST(trunc(((c0 - trunc(c0)) * 4503599627370496::float8)) AS bigint) AS numeric) * 2220446049250313080847263336181640625e-52 + CAST(CAST(trunc(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8)) AS bigint) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 + CAST(CAST(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8) - trunc(((((c0 - trunc(c0)) * 4503599627370496::float8) - trunc(((c0 - trunc(c0)) * 4503599627370496::float8))) * 4503599627370496::float8)) AS text) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 ELSE CAST(CAST(c0 AS text) AS numeric) END END) AS s15,
    count(CASE WHEN in7 AND c0 IS NOT NULL THEN 1 END) AS s16,
    min(CASE WHEN in0 THEN c0 END) AS s17,
    max(CASE WHEN in9 THEN c1 END) AS s18,
    var_samp(CASE WHEN in1 AND c0 IS NOT NULL THEN CASE WHEN abs(CAST(c0 AS double precision)) < 9223372036854775808::float8 THEN CAST(CAST(trunc(CAST(c0 AS double precision)) AS bigint) AS numeric) + CAST(CAST(trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8)) AS bigint) AS numeric) * 2220446049250313080847263336181640625e-52 + CAST(CAST(trunc(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS bigint) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 + CAST(CAST(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8) - trunc(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS text) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 ELSE CAST(CAST(CAST(c0 AS double precision) AS text) AS numeric) END END) AS s19,
    var_samp(CASE WHEN in10 AND c0 IS NOT NULL THEN CASE WHEN abs(CAST(c0 AS double precision)) < 9223372036854775808::float8 THEN CAST(CAST(trunc(CAST(c0 AS double precision)) AS bigint) AS numeric) + CAST(CAST(trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8)) AS bigint) AS numeric) * 2220446049250313080847263336181640625e-52 + CAST(CAST(trunc(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS bigint) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 + CAST(CAST(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8) - trunc(((((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c0 AS double precision) - trunc(CAST(c0 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS text) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 ELSE CAST(CAST(CAST(c0 AS double precision) AS text) AS numeric) END END) AS s20,
    var_samp(CASE WHEN in1 AND c1 IS NOT NULL THEN CASE WHEN abs(CAST(c1 AS double precision)) < 9223372036854775808::float8 THEN CAST(CAST(trunc(CAST(c1 AS double precision)) AS bigint) AS numeric) + CAST(CAST(trunc(((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8)) AS bigint) AS numeric) * 2220446049250313080847263336181640625e-52 + CAST(CAST(trunc(((((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS bigint) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 + CAST(CAST(((((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8) - trunc(((((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8) - trunc(((CAST(c1 AS double precision) - trunc(CAST(c1 AS double precision))) * 4503599627370496::float8))) * 4503599627370496::float8)) AS text) AS numeric) * 4930380657631323783823303533017413935457540219431393779814243316650390625e-104 ELSE CAST(CAST(CAST(c1 AS double precision) AS text) AS numeric) END END) AS s21,
    count(CASE WHEN in11 AND c0 > CAST('2.25' AS double precision) THEN 1 END) AS s22,
    count(CASE WHEN in11 AND c0 IS NOT NULL THEN 1 END) AS s23,
    count(CASE WHEN in12 AND c2 <> 'it''s \ bad' THEN 1 END) AS s24,
    count(CASE WHEN in12 AND c2 IS NOT NULL THEN 1 END) AS s25,
    count(CASE WHEN in7 AND c2 < 'a' THEN 1 END) AS s26,
    count(CASE WHEN in7 AND c2 IS NOT NULL THEN 1 END) AS s27,
    count(CASE WHEN in7 AND CASE WHEN c3 THEN 1 WHEN NOT c3 THEN 0 END = 1 THEN 1 END) AS s28,
    count(CASE WHEN in7 AND c3 IS NOT NULL THEN 1 END) AS s29,
    (array_agg(c0 ORDER BY noria_at ASC NULLS FIRST, noria_known ASC NULLS FIRST, noria_key ASC NULLS FIRST, c0 ASC NULLS FIRST) FILTER (WHERE in7 AND c0 IS NOT NULL))[1] AS s30,
    (array_agg(c2 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c2 DESC NULLS LAST) FILTER (WHERE in7 AND c2 IS NOT NULL))[1] AS s31,
    (array_agg(c3 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c3 DESC NULLS LAST) FILTER (WHERE in13 AND c3 IS NOT NULL))[1] AS s32,
    (array_agg(b0 ORDER BY b0 ASC NULLS FIRST) FILTER (WHERE in1 AND b0 IS NOT NULL)) AS s33,
    count(CASE WHEN in1 AND b0 IS NOT NULL THEN 1 END) AS s34,
    (array_agg(b1 ORDER BY b1 ASC NULLS FIRST) FILTER (WHERE in5 AND b1 IS NOT NULL)) AS s35,
    count(CASE WHEN in5 AND b1 IS NOT NULL THEN 1 END) AS s36,
    (array_agg(c0 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c0 DESC NULLS LAST) FILTER (WHERE in1 AND c0 IS NOT NULL))[1:2] AS s37,
    (array_agg(c2 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c2 DESC NULLS LAST) FILTER (WHERE in15 AND c2 IS NOT NULL))[1:3] AS s38,
    (array_agg(c3 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c3 DESC NULLS LAST) FILTER (WHERE in1 AND c3 IS NOT NULL))[1:2] AS s39,
    (array_agg(c1 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c1 DESC NULLS LAST) FILTER (WHERE in16 AND c1 IS NOT NULL))[1:5] AS s40,
    (array_agg(c0 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c0 DESC NULLS LAST) FILTER (WHERE in17))[1] AS s41,
    (array_agg(c2 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c2 DESC NULLS LAST) FILTER (WHERE in18))[1] AS s42,
    (array_agg(c1 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c1 DESC NULLS LAST) FILTER (WHERE in19))[1] AS s43,
    (array_agg(c3 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c3 DESC NULLS LAST) FILTER (WHERE in20))[1] AS s44,
    (array_agg(c4 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c4 DESC NULLS LAST) FILTER (WHERE in21))[1] AS s45,
    (array_agg(c5 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c5 DESC NULLS LAST) FILTER (WHERE in21))[1] AS s46,
    (array_agg(c6 ORDER BY noria_at DESC NULLS LAST, noria_known DESC NULLS LAST, noria_key DESC NULLS LAST, c6 DESC NULLS LAST) FILTER (WHERE in1 AND c6 IS NOT NULL))[1] AS s47,
    count(CASE WHEN in22 THEN 1 END) AS s48,
    sum(CAST(CASE WHEN in5 THEN c7 END AS bigint)) AS s49,
    count(CASE WHEN in5 AND c7 IS NOT NULL THEN 1 END) AS s50
  FROM pairs_0 GROUP BY noria_t, noria_k0_0, noria_k0_1
),
distinct_0_0 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS double precision) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) END + CAST('0.5' AS double precision)) AS bigint) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS double precision), CAST(bits AS double precision))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g2, min(h2) AS bits FROM pairs_0 WHERE in1 AND g2 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g2) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_1 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS double precision) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) END + CAST('0.5' AS double precision)) AS bigint) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS double precision), CAST(bits AS double precision))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g1, min(h1) AS bits FROM pairs_0 WHERE in14 AND g1 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g1) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_2 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS double precision) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) END + CAST('0.5' AS double precision)) AS bigint) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS double precision), CAST(bits AS double precision))) AS scaled
    FROM (SELECT noria_t, noria_k0_0, noria_k0_1, g3, min(h3) AS bits FROM pairs_0 WHERE in1 AND g3 IS NOT NULL GROUP BY noria_t, noria_k0_0, noria_k0_1, g3) registers GROUP BY noria_t, noria_k0_0, noria_k0_1) filled
),
distinct_0_3 AS (
  SELECT noria_t, noria_k0_0, noria_k0_1, CAST(floor(CASE WHEN (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) <= 10240 AND filled < 4096 THEN 4096 * ln(CAST(4096 AS double precision) / (4096 - filled)) ELSE (CAST('12098218.894406674' AS double precision) / ((scaled + (4096 - filled) * CAST(2199023255552 AS double precision)) / 2199023255552)) END + CAST('0.5' AS double precision)) AS bigint) AS value
  FROM (SELECT noria_t, noria_k0_0, noria_k0_1, count(*) AS filled, sum(power(CAST(2 AS double precision), CAST(bits AS double precision))) AS scaled
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
    CASE WHEN s8 > 0 THEN CASE WHEN abs(((CASE WHEN abs(s7) < 5e-324 THEN 0 WHEN abs(s7) <= 1.7976931348623157e308 THEN CAST(s7 AS double precision) END) / s8)) < 'Infinity'::float8 THEN ((CASE WHEN abs(s7) < 5e-324 THEN 0 WHEN abs(s7) <= 1.7976931348623157e308 THEN CAST(s7 AS double precision) END) / s8) END END AS f7,
    CASE WHEN s10 > 0 THEN CASE WHEN abs(((CAST(s9 AS double precision)) / s10)) < 'Infinity'::float8 THEN ((CAST(s9 AS double precision)) / s10) END END AS f8,
    CASE WHEN s12 > 0 THEN CASE WHEN s11 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s11 AS bigint) END END AS f9,
    CASE WHEN s14 > 0 THEN CASE WHEN s13 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s13 AS bigint) END END AS f10,
    CASE WHEN s16 > 0 THEN CASE WHEN abs((CASE WHEN abs(s15) < 5e-324 THEN 0 WHEN abs(s15) <= 1.7976931348623157e308 THEN CAST(s15 AS double precision) END)) < 'Infinity'::float8 THEN (CASE WHEN abs(s15) < 5e-324 THEN 0 WHEN abs(s15) <= 1.7976931348623157e308 THEN CAST(s15 AS double precision) END) END END AS f11,
    s17 AS f12,
    s18 AS f13,
    CASE WHEN abs((CASE WHEN abs(s19) < 5e-324 THEN 0 WHEN abs(s19) <= 1.7976931348623157e308 THEN CAST(s19 AS double precision) END)) < 'Infinity'::float8 THEN CASE WHEN abs(s19) < 5e-324 THEN 0 WHEN abs(s19) <= 1.7976931348623157e308 THEN CAST(s19 AS double precision) END END AS f14,
    sqrt(CASE WHEN abs((CASE WHEN abs(s20) < 5e-324 THEN 0 WHEN abs(s20) <= 1.7976931348623157e308 THEN CAST(s20 AS double precision) END)) < 'Infinity'::float8 THEN CASE WHEN abs(s20) < 5e-324 THEN 0 WHEN abs(s20) <= 1.7976931348623157e308 THEN CAST(s20 AS double precision) END END) AS f15,
    sqrt(CASE WHEN abs((CASE WHEN abs(s21) < 5e-324 THEN 0 WHEN abs(s21) <= 1.7976931348623157e308 THEN CAST(s21 AS double precision) END)) < 'Infinity'::float8 THEN CASE WHEN abs(s21) < 5e-324 THEN 0 WHEN abs(s21) <= 1.7976931348623157e308 THEN CAST(s21 AS double precision) END END) AS f16,
    CASE WHEN s23 > 0 THEN CASE WHEN abs(((CAST(s22 AS double precision)) / s23)) < 'Infinity'::float8 THEN ((CAST(s22 AS double precision)) / s23) END END AS f17,
    CASE WHEN s25 > 0 THEN CASE WHEN abs(((CAST(s24 AS double precision)) / s25)) < 'Infinity'::float8 THEN ((CAST(s24 AS double precision)) / s25) END END AS f18,
    CASE WHEN s27 > 0 THEN CASE WHEN abs(((CAST(s26 AS double precision)) / s27)) < 'Infinity'::float8 THEN ((CAST(s26 AS double precision)) / s27) END END AS f19,
    CASE WHEN s29 > 0 THEN CASE WHEN abs(((CAST(s28 AS double precision)) / s29)) < 'Infinity'::float8 THEN ((CAST(s28 AS double precision)) / s29) END END AS f20,
    s30 AS f21,
    s31 AS f22,
    s32 AS f23,
    distinct_0_0.value AS f24,
    distinct_0_1.value AS f25,
    distinct_0_2.value AS f26,
    CASE WHEN s34 > 0 THEN CASE WHEN (s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)] = 0 THEN CAST(0 AS double precision) WHEN (s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)] < 0 THEN -((1 + CAST((2 * mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1 - mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision))) ELSE (1 + CAST((2 * mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1 - mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.5' AS double precision) * s34)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision)) END END AS f27,
    CASE WHEN s34 > 0 THEN CASE WHEN (s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)] = 0 THEN CAST(0 AS double precision) WHEN (s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)] < 0 THEN -((1 + CAST((2 * mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1 - mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision))) ELSE (1 + CAST((2 * mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1 - mod((abs((s33)[CAST(greatest(1, ceil(CAST('0.9' AS double precision) * s34)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision)) END END AS f28,
    CASE WHEN s36 > 0 THEN CASE WHEN (s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)] = 0 THEN CAST(0 AS double precision) WHEN (s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)] < 0 THEN -((1 + CAST((2 * mod((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1 - mod((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision))) ELSE (1 + CAST((2 * mod((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1), 64) + 1) AS double precision) / 128) * power(CAST(2 AS double precision), CAST((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1 - mod((abs((s35)[CAST(greatest(1, ceil(CAST('0.1' AS double precision) * s36)) AS bigint)]) - 1), 64)) / 64 - 1023 AS double precision)) END END AS f29,
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
    CASE WHEN s50 > 0 THEN CASE WHEN s49 BETWEEN (-9223372036854775807 - 1) AND 9223372036854775807 THEN CAST(s49 AS bigint) END END AS f42,
    distinct_0_3.value AS f43
  FROM parts_0 LEFT JOIN distinct_0_0 ON distinct_0_0.noria_t = parts_0.noria_t AND distinct_0_0.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_0.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_1 ON distinct_0_1.noria_t = parts_0.noria_t AND distinct_0_1.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_1.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_2 ON distinct_0_2.noria_t = parts_0.noria_t AND distinct_0_2.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_2.noria_k0_1 = parts_0.noria_k0_1 LEFT JOIN distinct_0_3 ON distinct_0_3.noria_t = parts_0.noria_t AND distinct_0_3.noria_k0_0 = parts_0.noria_k0_0 AND distinct_0_3.noria_k0_1 = parts_0.noria_k0_1
)
SELECT
  spine.r0 AS "sensor",
  spine.r1 AS "room",
  spine.r2 AS "asked_at",
  CAST(coalesce(view_0.f0, 0) AS bigint) AS "Sensor.rows_1h",
  CAST(coalesce(view_0.f1, 0) AS bigint) AS "Sensor.rows_13d",
  CAST(coalesce(view_0.f2, 0) AS bigint) AS "Sensor.rows_7min",
  CAST(coalesce(view_0.f3, 0) AS bigint) AS "Sensor.rows_exact",
  CAST(coalesce(view_0.f4, 0) AS bigint) AS "Sensor.rows_before",
  CAST(coalesce(view_0.f5, 0) AS bigint) AS "Sensor.rows_ever",
  CAST(coalesce(view_0.f6, 0) AS bigint) AS "Sensor.heats_1h",
  CAST(view_0.f7 AS double precision) AS "Sensor.mean_heat_1h",
  CAST(view_0.f8 AS double precision) AS "Sensor.mean_ticks_24h",
  CAST(view_0.f9 AS bigint) AS "Sensor.sum_ticks_1h",
  CAST(view_0.f10 AS bigint) AS "Sensor.sum_ticks_ever",
  CAST(view_0.f11 AS double precision) AS "Sensor.sum_heat_24h",
  CAST(view_0.f12 AS double precision) AS "Sensor.coldest_1h",
  CAST(view_0.f13 AS bigint) AS "Sensor.most_ticks_13d",
  CAST(view_0.f14 AS double precision) AS "Sensor.var_heat_13d",
  CAST(view_0.f15 AS double precision) AS "Sensor.std_heat_24h",
  CAST(view_0.f16 AS double precision) AS "Sensor.std_ticks_13d",
  CAST(view_0.f17 AS double precision) AS "Sensor.warm_90min",
  CAST(view_0.f18 AS double precision) AS "Sensor.calm_24h",
  CAST(view_0.f19 AS double precision) AS "Sensor.early_24h",
  CAST(view_0.f20 AS double precision) AS "Sensor.opened_24h",
  CAST(view_0.f21 AS double precision) AS "Sensor.first_heat_24h",
  CAST(view_0.f22 AS text) COLLATE "default" AS "Sensor.last_mood_24h",
  CAST(view_0.f23 AS boolean) AS "Sensor.last_open_13d",
  CAST(coalesce(view_0.f24, 0) AS bigint) AS "Sensor.moods_13d",
  CAST(coalesce(view_0.f25, 0) AS bigint) AS "Sensor.ticks_ever",
  CAST(coalesce(view_0.f26, 0) AS bigint) AS "Sensor.opens_13d",
  CAST(view_0.f27 AS double precision) AS "Sensor.median_heat_13d",
  CAST(view_0.f28 AS double precision) AS "Sensor.high_heat_13d",
  CAST(view_0.f29 AS double precision) AS "Sensor.low_ticks_ever",
  CAST(coalesce(view_0.f30, '{}') AS double precision[]) AS "Sensor.two_heats_13d",
  CAST(coalesce(view_0.f31, '{}') AS text[]) AS "Sensor.three_moods_ever",
  CAST(coalesce(view_0.f32, '{}') AS boolean[]) AS "Sensor.two_opens_13d",
  CAST(coalesce(view_0.f33, '{}') AS bigint[]) AS "Sensor.ticks_3d",
  CAST(view_0.f34 AS double precision) AS "Sensor.heat",
  CAST(view_0.f35 AS text) COLLATE "default" AS "Sensor.mood",
  CAST(view_0.f36 AS bigint) AS "Sensor.ticks",
  CAST(view_0.f37 AS boolean) AS "Sensor.open",
  CAST(view_0.f38 AS bigint) AS "Sensor.due",
  CAST(view_0.f39 AS bigint) AS "Sensor.floor",
  CAST(view_0.f40 AS text) COLLATE "default" AS "Sensor.owner",
  CAST(coalesce(view_0.f41, 0) AS bigint) AS "Sensor.high_up",
  CAST(view_0.f42 AS bigint) AS "Sensor.floors",
  CAST(coalesce(view_0.f43, 0) AS bigint) AS "Sensor.owners"
FROM spine
LEFT JOIN view_0 ON view_0.noria_t = spine.noria_t AND view_0.noria_k0_0 = spine.noria_k0_0 AND view_0.noria_k0_1 = spine.noria_k0_1
