-- Machines as they say they are; the report is JSON.
CREATE TABLE machines (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    reporter TEXT NOT NULL,
    name TEXT NOT NULL,
    release TEXT NOT NULL,
    build_id TEXT NOT NULL,
    report TEXT NOT NULL,
    words TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL
);
CREATE INDEX machines_by_name ON machines (name, id);
CREATE INDEX machines_by_token ON machines (token);
CREATE INDEX machines_by_time ON machines (last_seen);

-- People who signed in to the page; of the secret in their cookie only the digest is known.
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY,
    token TEXT NOT NULL REFERENCES tokens (id),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_by_token ON sessions (token, created);

-- What a build is found by, in lower case.
ALTER TABLE builds ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE builds SET words = LOWER(id || ' ' || release || ' ' || requester || ' ' || patches);
CREATE INDEX builds_by_kernel ON builds (kernel, submitted);
