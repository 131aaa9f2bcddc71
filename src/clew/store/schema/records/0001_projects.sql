-- Projects, made on first sight of a name; settings of a project; saved views of its lists.
CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ns BIGINT NOT NULL
);
CREATE TABLE saved_views (
    id TEXT PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    created_ns BIGINT NOT NULL,
    UNIQUE (project_id, page, name)
);
CREATE TABLE prices (
    id TEXT PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    starts_ns BIGINT NOT NULL,
    rates TEXT NOT NULL,
    created_ns BIGINT NOT NULL
);
