-- What several servers share besides: content (1 MiB a chunk, the last may be shorter) and the public keys that all of them sign with.
-- `puts` counts how often a content was stored: by that, one who stored something unwanted knows that nobody else wants it.

CREATE TABLE blobs (
    digest TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    puts BIGINT NOT NULL,
    stored BIGINT NOT NULL
);
CREATE INDEX blobs_by_time ON blobs (stored);

CREATE TABLE blob_chunks (
    digest TEXT NOT NULL REFERENCES blobs (digest) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (digest, number)
);

CREATE TABLE signing_keys (
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL
);
