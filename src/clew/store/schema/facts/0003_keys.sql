-- Where a span stands, found by its ids: the spans themselves are ordered by time. Small granules and small blocks, because ids are random
-- and every look-up touches another place. Filled with every insert into spans. A row may outlive its span (a fuller copy replaced it) and is
-- then merged away; who finds a key looks at the span itself, by the start it names.
CREATE TABLE span_keys
(
    project_id UInt32 CODEC(LZ4),
    trace_id   FixedString(16) CODEC(NONE),
    span_id    FixedString(8) CODEC(NONE),
    start_ns   Int64 CODEC(LZ4),
    fullness   UInt64 CODEC(LZ4),
    commit_id  UInt64 CODEC(LZ4)
)
ENGINE = ReplacingMergeTree(commit_id)
ORDER BY (trace_id, span_id, project_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60,
    index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 8192;

CREATE MATERIALIZED VIEW span_keys_fill TO span_keys AS
SELECT project_id, trace_id, span_id, start_ns, fullness, commit_id
FROM spans;

-- Which traces belong to a session: every session whose id some span of the trace carries.
CREATE TABLE session_traces
(
    project_id UInt32 CODEC(LZ4),
    session_id String CODEC(ZSTD(1)),
    trace_id   FixedString(16) CODEC(NONE),
    first_ns   SimpleAggregateFunction(min, Int64) CODEC(LZ4),
    last_ns    SimpleAggregateFunction(max, Int64) CODEC(LZ4),
    user_id    SimpleAggregateFunction(max, String) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project_id, session_id, trace_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60,
    index_granularity = 1024;

CREATE MATERIALIZED VIEW session_traces_fill TO session_traces AS
SELECT project_id, session_id, trace_id, min(start_ns) AS first_ns, max(greatest(start_ns, end_ns)) AS last_ns, max(user_id) AS user_id
FROM spans
WHERE session_id != ''
GROUP BY project_id, session_id, trace_id;
