-- The change log has an identity: each record has a random mark. A database that was restored from a copy, or is another one,
-- has other marks behind the point where they parted, so a watcher whose token has the number and the mark of the record that
-- it knew last is found to be of another history, whoever restored what. 52 bits are exact in a JSON number.
--
-- The default must not be a constant, so the table is made anew. Its rows are kept, for processes of the release before may
-- still be reading. They get marks, too; no token has one of them.
DROP TRIGGER new_annotation;

ALTER TABLE annotation_changes RENAME TO annotation_changes_without_marks;

CREATE TABLE annotation_changes (
    seq INTEGER NOT NULL PRIMARY KEY,
    image_id TEXT NOT NULL,
    first_id TEXT NOT NULL,
    last_id TEXT NOT NULL,
    revision INTEGER,
    mark INTEGER NOT NULL DEFAULT (random() & 4503599627370495)
);

INSERT INTO annotation_changes (seq, image_id, first_id, last_id, revision)
SELECT seq, image_id, first_id, last_id, revision FROM annotation_changes_without_marks;

-- With its trigger.
DROP TABLE annotation_changes_without_marks;

-- A log has a first record from the beginning, of no image: so a new database has an identity, too.
INSERT INTO annotation_changes (seq, image_id, first_id, last_id)
SELECT 0, '', '', '' WHERE NOT EXISTS (SELECT 1 FROM annotation_changes);

CREATE TRIGGER new_annotation INSTEAD OF INSERT ON new_annotations
BEGIN
    INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
    VALUES (NEW.image_id, NEW.id, NEW.id, NEW.revision);
    INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model,
                             created_by, created_at, updated_at, revision)
    VALUES (NEW.image_id, NEW.id, NEW.label, NEW.x, NEW.y, NEW.width, NEW.height, NEW.confidence, NEW.model,
            NEW.created_by, NEW.created_at, NEW.updated_at, NEW.revision);
END;

-- As it was.
CREATE TRIGGER trim_annotation_changes AFTER INSERT ON annotation_changes WHEN NEW.seq % 1000 = 0
BEGIN
    DELETE FROM annotation_changes WHERE seq IN (
        SELECT seq FROM annotation_changes WHERE seq <= NEW.seq - 250000 ORDER BY seq LIMIT 2000
    );
END;
