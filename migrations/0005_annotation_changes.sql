-- What changed, in the order of the commits: one row for each image of a write. The row says which boxes (those of the
-- image between two ids, which are those of the write alone) and to which revision; none means that the box was removed.
-- A box of a newer revision has a newer row. The oldest rows are trimmed, the newest never: so numbers do not come twice.
CREATE TABLE annotation_changes (
    seq INTEGER NOT NULL PRIMARY KEY,
    image_id TEXT NOT NULL,
    first_id TEXT NOT NULL,
    last_id TEXT NOT NULL,
    revision INTEGER
);
