-- What clients of the first elivepatch asked for: they name their request by a UUID.

CREATE TABLE first_requests (
    uuid TEXT PRIMARY KEY,
    build TEXT NOT NULL,
    added BIGINT NOT NULL
);
CREATE INDEX first_requests_by_time ON first_requests (added);
