-- Times are milliseconds since 1970 (UTC), truth values 0 and 1, digests hexadecimal SHA-256 of content in the blob store.

CREATE TABLE kernels (
    id TEXT PRIMARY KEY,
    release TEXT NOT NULL,
    build_id TEXT NOT NULL,
    compiler TEXT NOT NULL,
    capture TEXT NOT NULL,
    boot_image TEXT,
    source TEXT,
    added BIGINT NOT NULL,
    added_by TEXT NOT NULL
);
CREATE INDEX kernels_by_build_id ON kernels (build_id);

CREATE TABLE builds (
    id TEXT PRIMARY KEY,
    kernel TEXT NOT NULL REFERENCES kernels (id),
    release TEXT NOT NULL,
    submission TEXT NOT NULL,
    patches TEXT NOT NULL,
    token TEXT NOT NULL,
    requester TEXT NOT NULL,
    state TEXT NOT NULL,
    submitted BIGINT NOT NULL,
    started BIGINT,
    finished BIGINT,
    attempts BIGINT NOT NULL,
    cancelling BIGINT NOT NULL,
    module TEXT,
    artifact TEXT,
    artifact_size BIGINT,
    explanation TEXT,
    console TEXT,
    statement TEXT,
    tested BIGINT,
    problems TEXT NOT NULL
);
CREATE INDEX builds_by_state ON builds (state, submitted);
CREATE INDEX builds_by_time ON builds (submitted, id);
CREATE INDEX builds_by_token ON builds (token, state);

CREATE TABLE build_events (
    build TEXT NOT NULL REFERENCES builds (id),
    sequence BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (build, sequence)
);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT,
    last_used BIGINT
);

CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    time BIGINT NOT NULL,
    token TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    status BIGINT NOT NULL
);
CREATE INDEX audit_by_time ON audit (time);
