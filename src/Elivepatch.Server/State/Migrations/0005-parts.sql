-- A part of a kernel belongs to the token that sent it; what the operator sent has an empty token and is everybody's. What was sent
-- before that was so belongs to nobody that could be named: it is asked for again.

CREATE TABLE kernel_parts (
    kernel TEXT NOT NULL REFERENCES kernels (id),
    token TEXT NOT NULL,
    part TEXT NOT NULL,
    blob TEXT NOT NULL,
    size BIGINT NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (kernel, token, part)
);
CREATE INDEX kernel_parts_by_token ON kernel_parts (token);

-- A build keeps what it is made of, whatever becomes of the parts.
ALTER TABLE builds ADD COLUMN source TEXT;
ALTER TABLE builds ADD COLUMN boot_image TEXT;
UPDATE builds
SET source = (SELECT k.source FROM kernels k WHERE k.id = builds.kernel),
    boot_image = (SELECT k.boot_image FROM kernels k WHERE k.id = builds.kernel);
ALTER TABLE kernels DROP COLUMN source;
ALTER TABLE kernels DROP COLUMN boot_image;

-- When somebody last asked for a build or fetched what it made.
ALTER TABLE builds ADD COLUMN used BIGINT;
