-- name: saved_views
SELECT id, name, query FROM saved_views WHERE project_id = :project_id AND page = :page ORDER BY name

-- name: save_view
INSERT INTO saved_views (id, project_id, page, name, query, created_ns) VALUES (:id, :project_id, :page, :name, :query, :created_ns)
ON CONFLICT (project_id, page, name) DO UPDATE SET query = excluded.query

-- name: saved_view
SELECT id, page, name, query FROM saved_views WHERE project_id = :project_id AND id = :id

-- name: remove_view
DELETE FROM saved_views WHERE project_id = :project_id AND id = :id
