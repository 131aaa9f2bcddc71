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
