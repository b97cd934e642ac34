-- How many events of its attempt a worker has told of: those that it tells again are known.

ALTER TABLE builds ADD COLUMN heard BIGINT NOT NULL DEFAULT 0;
