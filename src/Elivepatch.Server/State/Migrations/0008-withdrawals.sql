-- With which set of rules a build's module was checked last, and why that could not be told where it could not. What was built before
-- there were such numbers was checked by rules that nobody can name.

ALTER TABLE builds ADD COLUMN checked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE builds ADD COLUMN unchecked TEXT;
CREATE INDEX builds_by_check ON builds (state, checked);

-- Modules that had been published and break a rule. A row outlives its build: a machine may come back after years with the module live.
-- `number` counts up, so that whoever keeps answers sees by the greatest one that there is something new.

CREATE TABLE withdrawals (
    artifact TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    build TEXT NOT NULL,
    release TEXT NOT NULL,
    build_id TEXT NOT NULL,
    module TEXT NOT NULL,
    patches TEXT NOT NULL,
    problems TEXT NOT NULL,
    rules BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL
);
CREATE INDEX withdrawals_by_number ON withdrawals (number);
CREATE INDEX withdrawals_by_build_id ON withdrawals (build_id);
CREATE INDEX machines_by_build_id ON machines (build_id, id);

-- What one server at a time does for all: who does it now, and until when nobody else begins.

CREATE TABLE chores (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);
