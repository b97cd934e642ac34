-- When a token had its turn last: builds of different tokens are taken in turn. `number` counts up, so that no clock has a part in it.

CREATE TABLE turns (
    token TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
