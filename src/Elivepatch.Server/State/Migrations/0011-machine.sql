-- The processor of a kernel. Until now there was one.

ALTER TABLE kernels ADD COLUMN machine TEXT NOT NULL DEFAULT 'x86_64';
