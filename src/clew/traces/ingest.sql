-- name: make_staging
-- One group of requests, decoded, in memory. It is refilled for every commit and never read by anyone but the writer's session.
CREATE OR REPLACE TEMPORARY TABLE staging_spans
(
    /*slot:columns*/
    sender_cost_nanos Nullable(Int64),
    usage_rollup Bool,
    has_usage Bool,
    fullness UInt64
)
ENGINE = Memory

-- name: clear_staging
TRUNCATE TABLE staging_spans

-- name: make_decoded
-- The frames of one commit as spans, before anything is made of them; ak, av, as_, ai, ad are the attribute arrays that dialects read.
CREATE OR REPLACE TEMPORARY TABLE decoded_spans
(
    project_id UInt32, service String, environment String, received_ns UInt64,
    resource LowCardinality(String), resource_schema_url LowCardinality(String),
    scope LowCardinality(String), scope_schema_url LowCardinality(String),
    trace_id String, span_id String, parent_span_id String, trace_state String, flags UInt32, name String, otel_kind Int32,
    sent_start_ns Int64, sent_end_ns Int64, status_code Int32, status_message String,
    dropped_attributes UInt32, dropped_events UInt32, dropped_links UInt32, events Array(String), links Array(String),
    ak Array(LowCardinality(String)),
    av Array(Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7)),
    as_ Array(String), ai Array(Int64), ad Array(Float64)
)
ENGINE = Memory

-- name: clear_decoded
TRUNCATE TABLE decoded_spans

-- name: decode_spans
INSERT INTO decoded_spans
SELECT
    clew_project AS project_id,
    clew_service AS service,
    clew_environment AS environment,
    clew_received AS received_ns,
    group.resource AS resource,
    group.schema_url AS resource_schema_url,
    scoped.scope AS scope,
    scoped.schema_url AS scope_schema_url,
    span.trace_id AS trace_id,
    span.span_id AS span_id,
    span.parent_span_id AS parent_span_id,
    span.trace_state AS trace_state,
    span.flags AS flags,
    span.name AS name,
    span.kind AS otel_kind,
    toInt64(span.start_ns) AS sent_start_ns,
    toInt64(span.end_ns) AS sent_end_ns,
    span.status.code AS status_code,
    span.status.message AS status_message,
    span.dropped_attributes AS dropped_attributes,
    span.dropped_events AS dropped_events,
    span.dropped_links AS dropped_links,
    span.events AS events,
    span.links AS links,
    span.attributes.key AS ak,
    span.attributes.value.value AS av,
    if(
        hasAny(av, CAST(['l', 'm', 'y'], 'Array(Enum8(\'no\' = 0, \'s\' = 1, \'b\' = 2, \'i\' = 3, \'d\' = 4, \'l\' = 5, \'m\' = 6, \'y\' = 7))')),
        arrayMap(
            (s, l, m, y) -> concat(s, l, m, y),
            span.attributes.value.s, span.attributes.value.l, span.attributes.value.m, span.attributes.value.y
        ),
        span.attributes.value.s
    ) AS as_,
    arrayMap((i, b) -> i + b, span.attributes.value.i, span.attributes.value.b) AS ai,
    span.attributes.value.d AS ad
FROM
(
    SELECT clew_project, clew_service, clew_environment, clew_received, group, scoped, arrayJoin(scoped.spans) AS span
    FROM
    (
        SELECT clew_project, clew_service, clew_environment, clew_received, group, arrayJoin(group.scope_spans) AS scoped
        FROM
        (
            SELECT clew_project, clew_service, clew_environment, clew_received, arrayJoin(resource_spans) AS group
            FROM /*slot:source*/
        )
    )
)

-- name: decoded_keys
-- The attribute keys of the group; and, marked by a zero byte, whether some span has events or some attribute is a list or a map.
SELECT DISTINCT arrayJoin(arrayConcat(
    arrayMap(k -> toString(k), ak),
    if(notEmpty(events), ['\0events'], []),
    if(hasAny(av, CAST(['l', 'm'], 'Array(Enum8(\'no\' = 0, \'s\' = 1, \'b\' = 2, \'i\' = 3, \'d\' = 4, \'l\' = 5, \'m\' = 6, \'y\' = 7))')), ['\0lists'], [])
)) AS key
FROM decoded_spans

-- name: stage_spans
-- Works out every canonical column. The two settings leave out a rewrite of AND chains and a merging of layers, which cost more than the whole rest of planning (175 to 80 ms).
INSERT INTO staging_spans (/*slot:names*/)
SELECT /*slot:expressions*/
FROM (/*slot:layered*/)
SETTINGS optimize_and_compare_chain = 0, query_plan_merge_expressions = 0

-- name: staged_facts
-- What the writer must know about a group before it is stored.
SELECT
    count() AS spans,
    uniqExact(project_id, trace_id, span_id) AS distinct_spans,
    countIf(usage_rollup) AS rollups,
    countIf(has_usage AND (trace_id, parent_id) IN (SELECT trace_id, span_id FROM staging_spans WHERE has_usage)) AS nested,
    countIf(has_usage AND response_id != '') - uniqExactIf((project_id, response_id), has_usage AND response_id != '') AS same_response,
    countIf(/*slot:carries_scores*/) AS carriers,
    groupUniqArrayIf(
        CAST(
            (project_id, provider, model_answered, model_asked),
            'Tuple(project_id UInt32, provider String, model_answered String, model_asked String)'
        ),
        has_usage
    ) AS priced
FROM staging_spans

-- name: stored_keys
-- Where the spans stand that the group may touch: the same span sent again, and those of traces whose tokens must not count twice.
SELECT groupUniqArray(trace_id_hex) AS traces, groupUniqArray(start_ns) AS starts
FROM
(
    SELECT lower(hex(trace_id)) AS trace_id_hex, start_ns
    FROM span_keys
    WHERE trace_id IN (SELECT trace_id FROM staging_spans)
        AND project_id IN (SELECT project_id FROM staging_spans)
        AND (span_id IN (SELECT span_id FROM staging_spans) OR trace_id IN (SELECT trace_id FROM staging_spans WHERE has_usage))
)

-- name: stored_spans
SELECT
    project_id,
    start_ns,
    lower(hex(trace_id)) AS trace,
    lower(hex(span_id)) AS span,
    lower(hex(parent_id)) AS parent,
    spans.fullness AS fullness,
    kind,
    response_id,
    input_tokens,
    output_tokens,
    counted,
    isNotNull(input_tokens) OR isNotNull(output_tokens) AS has_usage,
    (project_id, trace_id, span_id) IN (SELECT project_id, trace_id, span_id FROM staging_spans) AS again
FROM spans
WHERE project_id IN (SELECT project_id FROM staging_spans)
    AND start_ns IN {starts:Array(Int64)}
    AND trace_id IN {traces:Array(FixedString(16))}

-- name: staged_usage
-- The spans of the group that tell of tokens, with their place in the trace.
SELECT
    project_id, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, lower(hex(parent_id)) AS parent,
    has_usage, usage_rollup, kind, response_id, input_tokens, output_tokens
FROM staging_spans
WHERE trace_id IN (SELECT trace_id FROM staging_spans WHERE has_usage)

-- name: store_spans
INSERT INTO spans (/*slot:names*/)
SELECT /*slot:expressions*/
FROM staging_spans
WHERE concat(trace_id, span_id) NOT IN {skip:Array(String)}
/*slot:dedupe*/

-- name: drop_replaced
-- The older copies of spans that a fuller copy has just replaced.
DELETE FROM spans
WHERE project_id IN {projects:Array(UInt32)}
    AND start_ns IN {starts:Array(Int64)}
    AND trace_id IN {traces:Array(FixedString(16))}
    AND concat(trace_id, span_id) IN {ids:Array(String)}
    AND commit_id < {commit_id:UInt64}

-- name: last_commit
SELECT max(commit_id) AS commit_id FROM spans

-- name: mend_keys
-- After a crash between the two tables of one insert: the keys of the last commit once more. Merges fold what was there.
INSERT INTO span_keys
SELECT project_id, trace_id, span_id, start_ns, fullness, commit_id FROM spans WHERE commit_id = {commit_id:UInt64}

-- name: doubled_by_last_commit
-- Spans of which two copies are stored: only a crash between a commit and the clearing of what it replaced can leave them.
SELECT
    project_id,
    lower(hex(trace_id)) AS trace,
    lower(hex(span_id)) AS span,
    groupUniqArray(start_ns) AS starts,
    max(commit_id) AS newest
FROM spans
WHERE trace_id IN (SELECT trace_id FROM spans WHERE commit_id = {commit_id:UInt64})
    AND start_ns IN
    (
        SELECT start_ns FROM span_keys
        WHERE trace_id IN (SELECT trace_id FROM spans WHERE commit_id = {commit_id:UInt64})
    )
GROUP BY project_id, trace_id, span_id
HAVING count() > 1

-- name: staged_fullness
SELECT lower(hex(concat(trace_id, span_id))) AS id, max(fullness) AS fullness
FROM staging_spans
WHERE concat(trace_id, span_id) IN {ids:Array(String)}
GROUP BY id
