-- name: project_name
SELECT name FROM projects WHERE id = :project_id

-- name: key_starts
-- Where the spans of some traces stand in time.
SELECT start_ns
FROM span_keys
WHERE project_id = {project_id:UInt32} AND trace_id IN {traces:Array(FixedString(16))}
LIMIT {limit:UInt32}

-- name: key_bounds
SELECT min(start_ns) AS first_ns, max(start_ns) AS last_ns
FROM span_keys
WHERE project_id = {project_id:UInt32} AND trace_id IN {traces:Array(FixedString(16))}

-- name: window_edge
-- Where the stretch of time ends that holds so many spans, counted from a place in the order.
SELECT start_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64}
ORDER BY start_ns /*slot:direction*/
LIMIT 1 OFFSET {spans:UInt64}

-- name: roots_in_window
SELECT start_ns, lower(hex(trace_id)) AS trace
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64} AND is_root
    AND /*slot:after*/
    AND /*slot:where*/
ORDER BY start_ns /*slot:direction*/, trace_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: strays_in_window
-- Traces whose root has not arrived may stand here: those with other spans in the window, in the order in which they come into sight.
SELECT lower(hex(trace_id)) AS trace, /*slot:sight*/(start_ns) AS seen_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64} AND NOT is_root
    AND trace_id NOT IN {rooted:Array(FixedString(16))}
    AND /*slot:where*/
GROUP BY trace_id
ORDER BY seen_ns /*slot:direction*/
LIMIT {limit:UInt32}

-- name: heads_that_match
SELECT lower(hex(trace_id)) AS trace
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns IN {starts:Array(Int64)} AND span_id IN {heads:Array(FixedString(8))} AND /*slot:where*/

-- name: traces_by_key
-- Traces in the order of a sum over their spans. A trace belongs to the window in which it starts, so its spans have no upper bound here.
SELECT lower(hex(trace_id)) AS trace, /*slot:key*/ AS sort_key
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND /*slot:where*/
GROUP BY trace_id
HAVING argMin(start_ns, (NOT is_root, start_ns)) < {until_ns:Int64} AND /*slot:after*/
ORDER BY sort_key /*slot:direction*/, trace_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: traces_arrived
-- Traces of which spans were stored after a commit, the last first.
SELECT lower(hex(trace_id)) AS trace, max(commit_id) AS newest
FROM spans
WHERE project_id = {project_id:UInt32} AND commit_id > {commit_id:UInt64} AND commit_id <= {last:UInt64} AND /*slot:where*/
GROUP BY trace_id
ORDER BY newest DESC, max(start_ns) DESC, trace_id DESC
LIMIT {limit:UInt32}

-- name: newest_commit
SELECT max(commit_id) AS commit_id FROM spans

-- name: trace_sums
-- One row a trace: its head (earliest root, else earliest span) and the sums over its spans.
SELECT
    lower(hex(trace_id)) AS trace,
    lower(hex(argMin(span_id, (NOT is_root, start_ns, span_id)))) AS head,
    argMin(start_ns, (NOT is_root, start_ns, span_id)) AS head_ns,
    countIf(is_root) = 0 AS root_missing,
    count() AS spans,
    countIf(status = 2) AS errors,
    min(start_ns) AS first_ns,
    max(greatest(end_ns, start_ns)) AS last_ns,
    arraySort(groupUniqArrayIf(20)(toString(model), model != '')) AS models,
    /*slot:sums*/
FROM spans
WHERE project_id = {project_id:UInt32} AND trace_id IN {traces:Array(FixedString(16))} AND /*slot:located*/
GROUP BY trace_id

-- name: trace_heads
SELECT
    lower(hex(trace_id)) AS trace,
    lower(hex(argMin(span_id, (NOT is_root, start_ns, span_id)))) AS head,
    argMin(start_ns, (NOT is_root, start_ns, span_id)) AS head_ns,
    countIf(is_root) = 0 AS root_missing
FROM spans
WHERE project_id = {project_id:UInt32} AND trace_id IN {traces:Array(FixedString(16))} AND /*slot:located*/
GROUP BY trace_id

-- name: trace_key
SELECT /*slot:key*/ AS sort_key
FROM spans
WHERE project_id = {project_id:UInt32} AND trace_id = unhex({trace_id:String}) AND /*slot:located*/

-- name: spans_at
-- The narrow columns of spans whose start and ids are known: the primary key finds them.
SELECT /*slot:columns*/
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns IN {starts:Array(Int64)}
    AND trace_id IN {traces:Array(FixedString(16))} AND span_id IN {spans:Array(FixedString(8))}

-- name: span_places
SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, start_ns, /*slot:key*/ AS sort_key
FROM spans
WHERE project_id = {project_id:UInt32}
    AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64}
    AND /*slot:after*/
    AND /*slot:where*/
ORDER BY sort_key /*slot:direction*/, trace_id /*slot:direction*/, span_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: spans_arrived
SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, start_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND commit_id > {commit_id:UInt64} AND commit_id <= {last:UInt64} AND /*slot:where*/
ORDER BY commit_id DESC, start_ns DESC, trace_id DESC, span_id DESC
LIMIT {limit:UInt32}

-- name: spans_of_trace
SELECT /*slot:columns*/
FROM spans
WHERE project_id = {project_id:UInt32} AND trace_id = unhex({trace_id:String}) AND /*slot:located*/
ORDER BY start_ns, span_id

-- name: span_record
-- Everything that is stored of one span; what holds raw protobuf comes as base64.
SELECT /*slot:columns*/
FROM
(
    SELECT *
    FROM spans
    WHERE project_id = {project_id:UInt32} AND trace_id = unhex({trace_id:String}) AND /*slot:located*/ AND span_id = unhex({span_id:String})
    ORDER BY commit_id DESC
    LIMIT 1
)

-- name: logs_of_span
SELECT /*slot:columns*/
FROM
(
    SELECT *
    FROM logs
    WHERE project_id = {project_id:UInt32} AND trace_id = unhex({trace_id:String}) AND span_id = unhex({span_id:String})
    ORDER BY time_ns
    LIMIT {limit:UInt32}
)
ORDER BY time_ns

-- name: scores_of_traces
-- The newest row of each score that speaks of these traces or of spans in them.
SELECT /*slot:columns*/
FROM scores FINAL
WHERE project_id = {project_id:UInt32} AND scope IN ('span', 'trace') AND trace_id IN {traces:Array(FixedString(16))}
ORDER BY name, time_ns, score_id

-- name: scores_of_sessions
SELECT /*slot:columns*/
FROM scores FINAL
WHERE project_id = {project_id:UInt32} AND scope = 'session' AND session_id IN {sessions:Array(String)}
ORDER BY name, time_ns, score_id
