-- name: trace_record
-- The rows are picked inside: outside, the select list gives names of columns to their readable forms.
SELECT /*slot:columns*/
FROM
(
    SELECT *
    FROM spans
    WHERE project_id = {project_id:UInt32} AND trace_id = unhex({trace_id:String}) AND /*slot:located*/
    ORDER BY start_ns, span_id
)

-- name: spans_out
SELECT /*slot:columns*/
FROM
(
    SELECT *
    FROM spans
    WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64} AND /*slot:where*/
    ORDER BY project_id, start_ns, trace_id, span_id
)
