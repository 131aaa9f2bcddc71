-- Scores (one judgement about one target; the newest row of the same scope, target, name and identifier counts) and log records as they were sent.
CREATE TABLE scores
(
    project_id   UInt32,
    score_id     String,
    scope        LowCardinality(String),
    trace_id     FixedString(16),
    span_id      FixedString(8),
    session_id   String,
    name         LowCardinality(String),
    identifier   String,
    value        Nullable(Float64),
    label        LowCardinality(String),
    source       LowCardinality(String),
    author       String,
    version      String,
    reason       String CODEC(ZSTD(1)),
    metadata     String CODEC(ZSTD(1)),
    time_ns      Int64,
    received_ns  Int64,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_ns)
ORDER BY (project_id, scope, trace_id, span_id, session_id, name, identifier)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60;

CREATE TABLE logs
(
    project_id           UInt32,
    time_ns              Int64 CODEC(DoubleDelta, ZSTD(1)),
    observed_ns          Int64 CODEC(DoubleDelta, ZSTD(1)),
    trace_id             FixedString(16) CODEC(ZSTD(1)),
    span_id              FixedString(8) CODEC(ZSTD(1)),
    digest               UInt128 CODEC(ZSTD(1)),
    severity             UInt8,
    severity_text        LowCardinality(String),
    event_name           LowCardinality(String),
    service              LowCardinality(String),
    `body.kind`          Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7),
    `body.str`           String CODEC(ZSTD(1)),
    `body.int`           Int64 CODEC(ZSTD(1)),
    `body.dbl`           Float64 CODEC(ZSTD(1)),
    flags                UInt32 CODEC(ZSTD(1)),
    dropped_attributes   UInt32 CODEC(ZSTD(1)),
    `attr.key`           Array(LowCardinality(String)) CODEC(ZSTD(1)),
    `attr.kind`          Array(Enum8('no' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'l' = 5, 'm' = 6, 'y' = 7)) CODEC(ZSTD(1)),
    `attr.str`           Array(String) CODEC(ZSTD(1)),
    `attr.int`           Array(Int64) CODEC(ZSTD(1)),
    `attr.dbl`           Array(Float64) CODEC(ZSTD(1)),
    resource             LowCardinality(String),
    scope                LowCardinality(String),
    resource_schema_url  LowCardinality(String),
    scope_schema_url     LowCardinality(String),
    received_ns          Int64 CODEC(DoubleDelta, ZSTD(1)),
    commit_id            UInt64 CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (project_id, time_ns, trace_id, span_id, digest)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 60;
