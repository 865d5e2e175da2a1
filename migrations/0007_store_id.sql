-- The id that this database and its object store have in common; one row at most. It is not bound until the object store
-- has it too.
CREATE TABLE store (
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id TEXT NOT NULL,
    is_bound INTEGER NOT NULL
);

-- The trimming of the change log in bounded steps, however far it is behind: 2,000 rows for each 1,000 new ones.
DROP TRIGGER trim_annotation_changes;

CREATE TRIGGER trim_annotation_changes AFTER INSERT ON annotation_changes WHEN NEW.seq % 1000 = 0
BEGIN
    DELETE FROM annotation_changes WHERE seq IN (
        SELECT seq FROM annotation_changes WHERE seq <= NEW.seq - 250000 ORDER BY seq LIMIT 2000
    );
END;
