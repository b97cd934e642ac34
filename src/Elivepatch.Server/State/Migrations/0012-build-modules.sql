-- The files of modules that a build is made of: it keeps them, whatever becomes of the parts.

CREATE TABLE build_modules (
    build TEXT NOT NULL REFERENCES builds (id),
    module TEXT NOT NULL,
    blob TEXT NOT NULL,
    PRIMARY KEY (build, module)
);
CREATE INDEX build_modules_by_blob ON build_modules (blob);
