-- How far producers have come. A stream belongs to the user who made it; two users' streams may have the same name.
-- The seed is what the ids of its boxes are made of, the writer whoever opened it last.
CREATE TABLE ingest_streams (
    created_by TEXT NOT NULL,
    stream_id TEXT NOT NULL,
    next_offset INTEGER NOT NULL,
    seed TEXT NOT NULL,
    writer TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (created_by, stream_id)
) WITHOUT ROWID;
