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

-- name: count_spans
SELECT count() AS spans
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64}

-- name: nth_span
SELECT start_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64}
ORDER BY start_ns /*slot:direction*/
LIMIT 1 OFFSET {spans:UInt64}

-- name: span_marks
-- About how many spans lie before some instants, in the order of a list: from the first rows of granules, which are in memory. Each instant
-- has a tenth more spans before it than the one before.
SELECT toInt64(/*slot:sight*/(start_ns)) AS edge_ns, max(before) AS spans
FROM
(
    SELECT start_ns, sum(rows_in_granule) OVER (ORDER BY start_ns /*slot:direction*/ ROWS UNBOUNDED PRECEDING) AS before
    FROM (SELECT start_ns, rows_in_granule FROM mergeTreeIndex(currentDatabase(), 'spans') WHERE project_id = {project_id:UInt32})
    WHERE start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64}
)
GROUP BY intDiv(toUInt64(10000 * log(before + 1)), 1000)
ORDER BY spans

-- name: roots_in_window
SELECT start_ns, lower(hex(trace_id)) AS trace
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64} AND is_root AND /*slot:after*/
ORDER BY start_ns /*slot:direction*/, trace_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: strays_in_window
-- Traces whose root has not arrived may stand here: those with other spans in the window and no root in or shortly before it, in the order
-- in which they come into sight.
SELECT lower(hex(trace_id)) AS trace, /*slot:sight*/(start_ns) AS seen_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64} AND NOT is_root
    AND trace_id NOT IN (
        SELECT trace_id FROM spans
        WHERE project_id = {project_id:UInt32} AND is_root AND start_ns >= {roots_from_ns:Int64} AND start_ns <= {high_ns:Int64}
    )
GROUP BY trace_id
ORDER BY seen_ns /*slot:direction*/
LIMIT {limit:UInt32}

-- name: matches_in_window
-- Traces for whose spans together the filter holds: those with a root by their earliest, if it lies in the window, the others by the first
-- of their spans there that comes into sight. A span may lie far outside of the window in which its trace starts.
SELECT
    lower(hex(trace_id)) AS trace, max(is_root) AS has_root,
    if(has_root, minIf(start_ns, is_root), /*slot:sight*/If(start_ns, start_ns >= {low_ns:Int64} AND start_ns <= {high_ns:Int64})) AS seen_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {from_ns:Int64} AND start_ns <= {to_ns:Int64} AND /*slot:where*/
GROUP BY trace_id
HAVING seen_ns >= {low_ns:Int64} AND seen_ns <= {high_ns:Int64} AND (NOT has_root OR /*slot:after*/) AND /*slot:having*/
ORDER BY seen_ns /*slot:direction*/, trace_id /*slot:direction*/
LIMIT {limit:UInt32} BY has_root

-- name: heads_that_match
SELECT lower(hex(trace_id)) AS trace
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns IN {starts:Array(Int64)} AND span_id IN {heads:Array(FixedString(8))} AND /*slot:where*/

-- name: traces_by_key
-- Traces in the order of a sum over their spans. A trace belongs to the window in which it starts, so its spans have no upper bound here.
SELECT lower(hex(trace_id)) AS trace, /*slot:key*/ AS sort_key
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND /*slot:telling*/ AND /*slot:where*/
GROUP BY trace_id
HAVING /*slot:started*/ AND /*slot:after*/
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

-- name: sessions_by_time
-- Sessions that were at work in the window, by the first or last thing seen of them.
SELECT session_id, min(first_ns) AS started_ns, max(last_ns) AS ended_ns, /*slot:key*/ AS sort_key
FROM session_traces
WHERE project_id = {project_id:UInt32} AND /*slot:where*/
GROUP BY session_id
HAVING ended_ns >= {since_ns:Int64} AND started_ns < {until_ns:Int64} AND /*slot:after*/
ORDER BY sort_key /*slot:direction*/, session_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: sessions_by_sum
SELECT
    session_id, min(first_ns) AS started_ns, max(last_ns) AS ended_ns,
    toInt64(ifNull(sum(amount), -1)) AS sort_key
FROM
(
    SELECT session_id, trace_id, min(first_ns) AS first_ns, max(last_ns) AS last_ns
    FROM session_traces
    WHERE project_id = {project_id:UInt32} AND /*slot:where*/
    GROUP BY session_id, trace_id
) AS member
LEFT JOIN
(
    SELECT trace_id, /*slot:key*/ AS amount
    FROM spans
    WHERE project_id = {project_id:UInt32}
    GROUP BY trace_id
) AS summed USING (trace_id)
GROUP BY session_id
HAVING ended_ns >= {since_ns:Int64} AND started_ns < {until_ns:Int64} AND /*slot:after*/
ORDER BY sort_key /*slot:direction*/, session_id /*slot:direction*/
LIMIT {limit:UInt32}

-- name: traces_of_sessions
SELECT session_id, lower(hex(trace_id)) AS trace, min(first_ns) AS started_ns, max(user_id) AS user
FROM session_traces
WHERE project_id = {project_id:UInt32} AND session_id IN {sessions:Array(String)}
GROUP BY session_id, trace_id
ORDER BY session_id, started_ns, trace_id
LIMIT {limit:UInt32}

-- name: texts_at
-- The searchable texts of spans whose place is known, cut.
SELECT lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
    substringUTF8(input_text, 1, {characters:UInt32}) AS input_cut, substringUTF8(output_text, 1, {characters:UInt32}) AS output_cut
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns IN {starts:Array(Int64)}
    AND trace_id IN {traces:Array(FixedString(16))} AND span_id IN {spans:Array(FixedString(8))}

-- name: snippets_at
-- Around the first match in input and output: where it starts (0: nowhere) and the characters about it.
SELECT
    lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span,
    positionCaseInsensitiveUTF8(input_text, {needle:String}) AS input_at,
    positionCaseInsensitiveUTF8(output_text, {needle:String}) AS output_at,
    if(input_at = 0, '', substringUTF8(input_text, greatest(1, toInt64(input_at) - {before:Int64}), {around:UInt32})) AS input_part,
    if(output_at = 0, '', substringUTF8(output_text, greatest(1, toInt64(output_at) - {before:Int64}), {around:UInt32})) AS output_part
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns IN {starts:Array(Int64)}
    AND trace_id IN {traces:Array(FixedString(16))} AND span_id IN {spans:Array(FixedString(8))}

-- name: attribute_keys
-- Keys of attributes among the newest spans, the most frequent first.
SELECT toString(arrayJoin(`attr.key`)) AS key, count() AS spans
FROM (SELECT `attr.key` FROM spans WHERE project_id = {project_id:UInt32} ORDER BY start_ns DESC LIMIT {spans:UInt32})
GROUP BY key
ORDER BY spans DESC, key
LIMIT {limit:UInt32}

-- name: overview_buckets
-- Everything that can be added up, a step of time a row, over the window and the one before it. ``head`` says which spans stand for traces.
SELECT
    intDiv(start_ns - {before_ns:Int64}, {step_ns:Int64}) AS step,
    count() AS spans,
    countIf(/*slot:head*/) AS traces,
    countIf(/*slot:head*/ AND status = 2) AS errors,
    sumIf(ifNull(input_tokens, 0) + ifNull(output_tokens, 0), counted) AS tokens,
    sumIf(cost_nanos, counted) AS cost_sum,
    countIf(counted AND isNotNull(cost_nanos)) AS cost_known,
    countIf(counted AND isNull(cost_nanos) AND (isNotNull(input_tokens) OR isNotNull(output_tokens))) AS cost_unknown
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {before_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:where*/
GROUP BY step
ORDER BY step

-- name: overview_people
SELECT uniqExactIf(cityHash64(session_id), session_id != '') AS sessions, uniqExactIf(cityHash64(user_id), user_id != '') AS users
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:where*/

-- name: units_of_heads
-- One row a trace: what a person waited for.
SELECT start_ns, duration_ns
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {before_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:head*/ AND /*slot:where*/

-- name: units_of_spans
-- One row a span, for what every span tells of itself.
SELECT
    /*slot:key*/ AS key, start_ns, status = 2 AS bad, duration_ns, 1 AS members,
    if(counted, ifNull(input_tokens, 0) + ifNull(output_tokens, 0), 0) AS tokens,
    if(counted, cost_nanos, NULL) AS nanos,
    toUInt64(counted AND isNotNull(cost_nanos)) AS known,
    toUInt64(counted AND isNull(cost_nanos) AND (isNotNull(input_tokens) OR isNotNull(output_tokens))) AS unknown
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {before_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:key*/ != '' AND /*slot:where*/

-- name: units_of_traces
-- One row a trace, for what one span of it tells of all (its user, its session): tokens lie on other spans than the user's id.
SELECT key, head.1 AS start_ns, head.2 = 2 AS bad, head.3 AS duration_ns, members, tokens, nanos, known, unknown
FROM
(
    SELECT
        anyIf(toString(/*slot:key*/), toString(/*slot:key*/) != '') AS key,
        argMin((start_ns, status, duration_ns), (NOT is_root, start_ns, span_id)) AS head,
        count() AS members,
        sumIf(ifNull(input_tokens, 0) + ifNull(output_tokens, 0), counted) AS tokens,
        sumIf(cost_nanos, counted) AS nanos,
        countIf(counted AND isNotNull(cost_nanos)) AS known,
        countIf(counted AND isNull(cost_nanos) AND (isNotNull(input_tokens) OR isNotNull(output_tokens))) AS unknown
    FROM spans
    WHERE project_id = {project_id:UInt32} AND start_ns >= {before_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:where*/
    GROUP BY trace_id
)

-- name: overview_groups
-- The biggest groups of the window, each with the same of the period before.
SELECT
    toString(key) AS key_text,
    countIf(now) AS units, countIf(NOT now) AS before_units,
    sumIf(members, now) AS spans, sumIf(members, NOT now) AS before_spans,
    countIf(bad AND now) AS errors, countIf(bad AND NOT now) AS before_errors,
    sumIf(tokens, now) AS all_tokens, sumIf(tokens, NOT now) AS before_tokens,
    sumIf(nanos, now) AS cost_sum, sumIf(nanos, NOT now) AS before_cost_sum,
    sumIf(known, now) AS cost_known, sumIf(known, NOT now) AS before_cost_known,
    sumIf(unknown, now) AS cost_unknown, sumIf(unknown, NOT now) AS before_cost_unknown
FROM (SELECT *, start_ns >= {since_ns:Int64} AS now FROM (/*slot:units*/))
WHERE key != ''
GROUP BY key
ORDER BY units DESC, before_units DESC, key_text
LIMIT {limit:UInt32}

-- name: quantiles_of_groups
-- Order statistics of the durations of each group: the values at the ranks that belong to its number of values.
SELECT chosen, arrayMap(rank -> sorted[rank], {ranks:Array(Array(UInt64))}[indexOf({groups:Array(Int64)}, chosen)]) AS found
FROM
(
    SELECT chosen, arraySort(groupArray(duration_ns)) AS sorted
    FROM (SELECT toInt64(/*slot:chosen*/) AS chosen, duration_ns FROM (/*slot:units*/))
    WHERE chosen IN {groups:Array(Int64)}
    GROUP BY chosen
)
