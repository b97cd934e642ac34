-- How it was proven that a build's units are the code that runs, by the weakest of them. Nobody knows it any more of what was built before.

ALTER TABLE builds ADD COLUMN proof TEXT;
