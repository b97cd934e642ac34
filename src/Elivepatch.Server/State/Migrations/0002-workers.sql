-- Who runs a build, and when that was last heard of. Lists are JSON arrays of strings.

ALTER TABLE builds ADD COLUMN worker TEXT;
ALTER TABLE builds ADD COLUMN lease BIGINT;

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    kernels TEXT NOT NULL,
    builders BIGINT NOT NULL,
    running TEXT NOT NULL,
    started BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);
CREATE INDEX workers_by_last_seen ON workers (last_seen);
