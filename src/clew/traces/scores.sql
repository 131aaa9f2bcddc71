-- name: store_scores
INSERT INTO scores
SELECT project_id, score_id, scope, unhex(trace_id), unhex(span_id), session_id, name, identifier, value, label, source, author, version,
    reason, metadata, time_ns, received_ns
FROM /*slot:source*/

-- name: staged_carriers
-- The condition stands below the columns: there "events" is still the raw bytes and not their base64 text of the same name.
SELECT project_id, /*slot:columns*/
FROM (SELECT * FROM staging_spans WHERE /*slot:carries_scores*/)
