-- Direct uploads that are not completed yet. The id is that of the image to come. Ids are time-ordered, so that what is
-- due to be swept is a range of keys, and needs no index.
CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    filename TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    metadata TEXT NOT NULL
) WITHOUT ROWID;
