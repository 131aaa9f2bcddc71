-- name: all_prices
SELECT id, project_id, provider, model, starts_ns, rates FROM prices ORDER BY project_id, model, provider, starts_ns

-- name: prices_of_project
SELECT id, project_id, provider, model, starts_ns, rates FROM prices WHERE project_id = :project_id ORDER BY model, provider, starts_ns

-- name: remove_same_price
DELETE FROM prices WHERE project_id = :project_id AND provider = :provider AND model = :model AND starts_ns = :starts_ns

-- name: add_price
INSERT INTO prices (id, project_id, provider, model, starts_ns, rates, created_ns)
VALUES (:id, :project_id, :provider, :model, :starts_ns, :rates, :created_ns)

-- name: remove_price
DELETE FROM prices WHERE project_id = :project_id AND id = :id RETURNING id

-- name: priced_models
-- The models of a project's spans in a stretch of time, as a price is found by them.
SELECT DISTINCT project_id, provider, model_answered, model_asked
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64}
    AND cost_source NOT IN ('sender', 'none')

-- name: cost_sums
SELECT cost_source AS source, count() AS spans, sumIf(ifNull(cost_nanos, 0), counted) AS nanos
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64}
GROUP BY source
ORDER BY source

-- name: count_changed
SELECT count() AS spans
FROM spans
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64} AND cost_source != 'sender'
    AND (/*slot:nanos*/, /*slot:source*/, /*slot:version*/) IS DISTINCT FROM (cost_nanos, cost_source, price_version)

-- name: update_costs
-- Only the three columns are rewritten. The condition names the run, which is how its progress is found in system.mutations.
ALTER TABLE spans UPDATE /*slot:assignments*/
WHERE project_id = {project_id:UInt32} AND start_ns >= {since_ns:Int64} AND start_ns < {until_ns:Int64} AND cost_source != 'sender'
    AND {run:String} != ''
SETTINGS mutations_sync = 0

-- name: update_state
SELECT mutation_id, is_done, parts_to_do, latest_fail_reason
FROM system.mutations
WHERE database = currentDatabase() AND table = 'spans' AND position(command, {run:String}) > 0

-- name: stop_update
KILL MUTATION WHERE database = currentDatabase() AND table = 'spans' AND mutation_id = {mutation_id:String}
