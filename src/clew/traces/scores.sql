-- name: store_scores
INSERT INTO scores
SELECT project_id, score_id, scope, unhex(trace_id), unhex(span_id), session_id, name, identifier, value, label, source, author, version,
    reason, metadata, time_ns, received_ns
FROM /*slot:source*/

-- name: staged_carriers
SELECT project_id, /*slot:columns*/
FROM staging_spans
WHERE /*slot:carries_scores*/
