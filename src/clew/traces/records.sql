-- name: make_project
INSERT INTO projects (name, created_ns) VALUES (:name, :created_ns) ON CONFLICT (name) DO NOTHING

-- name: project_by_name
SELECT id, name, created_ns FROM projects WHERE name = :name

-- name: project_by_id
SELECT id, name, created_ns FROM projects WHERE id = :id

-- name: projects
SELECT id, name, created_ns FROM projects ORDER BY id
