-- Boxes, kept together by image, so that listing one image's boxes reads neighbouring rows however many others there are.
CREATE TABLE annotations (
    image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    label TEXT NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    confidence REAL,
    model TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (image_id, id)
) WITHOUT ROWID;

-- Finds one box by its id alone.
CREATE UNIQUE INDEX annotations_by_id ON annotations (id);
