-- Pictures. Times are milliseconds since 1970; the revision is the etag. Without a rowid, a row and its key are one
-- B-tree entry: D1 bills each entry that is written.
CREATE TABLE images (
    id TEXT NOT NULL PRIMARY KEY,
    filename TEXT NOT NULL,
    r2_key TEXT NOT NULL UNIQUE,
    content_type TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    width INTEGER,
    height INTEGER,
    exif_orientation INTEGER NOT NULL CHECK (exif_orientation BETWEEN 1 AND 8),
    uploaded_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    metadata TEXT NOT NULL,
    revision INTEGER NOT NULL
) WITHOUT ROWID;

-- Lists one user's images, newest first: ids are time-ordered.
CREATE INDEX images_by_user ON images (uploaded_by, id);

-- Finds what is due to be purged; live images are not in it.
CREATE INDEX images_deleted ON images (deleted_at) WHERE deleted_at IS NOT NULL;
