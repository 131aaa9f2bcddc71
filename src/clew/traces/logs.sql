-- name: make_staging
CREATE OR REPLACE TEMPORARY TABLE staging_logs
(
    project_id UInt32, time_ns Int64, observed_ns Int64, trace_id FixedString(16), span_id FixedString(8), digest UInt128,
    severity UInt8, severity_text LowCardinality(String), event_name LowCardinality(String), service LowCardinality(String),
    `body.kind` Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7),
    `body.str` String, `body.int` Int64, `body.dbl` Float64, flags UInt32, dropped_attributes UInt32,
    `attr.key` Array(LowCardinality(String)),
    `attr.kind` Array(Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7)),
    `attr.str` Array(String), `attr.int` Array(Int64), `attr.dbl` Array(Float64),
    resource LowCardinality(String), scope LowCardinality(String),
    resource_schema_url LowCardinality(String), scope_schema_url LowCardinality(String), received_ns Int64
)
ENGINE = Memory

-- name: clear_staging
TRUNCATE TABLE staging_logs

-- name: stage_logs
-- An event's name stands in its own field, or in the attribute event.name where the sender is older than that field.
INSERT INTO staging_logs
SELECT
    project_id,
    if(record.time_ns > 0, toInt64(record.time_ns), toInt64(record.observed_ns)) AS time,
    toInt64(record.observed_ns),
    toFixedString(record.trace_id, 16),
    toFixedString(record.span_id, 8),
    reinterpretAsUInt128(sipHash128(resource, scope, record.time_ns, record.severity, body_text, record.body.i, record.body.d, record.body.b, ak, as_, ai, ad, record.event_name)),
    toUInt8(greatest(least(record.severity, 24), 0)),
    record.severity_text,
    if(record.event_name != '', record.event_name, as_[indexOf(ak, 'event.name')]),
    service,
    record.body.value,
    body_text,
    record.body.i + record.body.b,
    record.body.d,
    record.flags,
    record.dropped_attributes,
    ak, av, as_, ai, ad,
    resource, scope, resource_schema_url, scope_schema_url, received
FROM
(
    SELECT
        clew_project AS project_id, clew_service AS service, toInt64(clew_received) AS received, record,
        concat(record.body.s, record.body.l, record.body.m, record.body.y) AS body_text,
        group.resource AS resource, scoped.scope AS scope, group.schema_url AS resource_schema_url, scoped.schema_url AS scope_schema_url,
        record.attributes.key AS ak,
        record.attributes.value.value AS av,
        arrayMap(
            (s, l, m, y) -> concat(s, l, m, y),
            record.attributes.value.s, record.attributes.value.l, record.attributes.value.m, record.attributes.value.y
        ) AS as_,
        arrayMap((i, b) -> i + b, record.attributes.value.i, record.attributes.value.b) AS ai,
        record.attributes.value.d AS ad
    FROM
    (
        SELECT clew_project, clew_service, clew_received, group, scoped, arrayJoin(scoped.log_records) AS record
        FROM
        (
            SELECT clew_project, clew_service, clew_received, group, arrayJoin(group.scope_logs) AS scoped
            FROM (SELECT clew_project, clew_service, clew_received, arrayJoin(resource_logs) AS group FROM /*slot:source*/)
        )
    )
)

-- name: staged_facts
SELECT
    count() AS records,
    uniqExact(project_id, time_ns, digest) AS distinct_records,
    countIf(event_name = 'gen_ai.evaluation.result') AS carriers
FROM staging_logs

-- name: stored_again
SELECT uniqExact(project_id, time_ns, digest) AS again
FROM logs
WHERE (project_id, time_ns, digest) IN (SELECT project_id, time_ns, digest FROM staging_logs)

-- name: last_commit
SELECT max(commit_id) AS commit_id FROM logs

-- name: store_logs
INSERT INTO logs
(
    project_id, time_ns, observed_ns, trace_id, span_id, digest, severity, severity_text, event_name, service,
    `body.kind`, `body.str`, `body.int`, `body.dbl`, flags, dropped_attributes,
    `attr.key`, `attr.kind`, `attr.str`, `attr.int`, `attr.dbl`,
    resource, scope, resource_schema_url, scope_schema_url, received_ns, commit_id
)
SELECT *, {commit_id:UInt64}
FROM staging_logs
WHERE (project_id, time_ns, digest) NOT IN
(
    SELECT project_id, time_ns, digest FROM logs
    WHERE (project_id, time_ns, digest) IN (SELECT project_id, time_ns, digest FROM staging_logs)
)
LIMIT 1 BY project_id, time_ns, digest

-- name: staged_carriers
SELECT project_id, /*slot:columns*/
FROM staging_logs
WHERE event_name = 'gen_ai.evaluation.result'
