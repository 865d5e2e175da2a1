-- One new box and the record of it, in one statement. To insert into the view is to insert into both tables.
CREATE VIEW new_annotations AS SELECT * FROM annotations;

CREATE TRIGGER new_annotation INSTEAD OF INSERT ON new_annotations
BEGIN
    INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
    VALUES (NEW.image_id, NEW.id, NEW.id, NEW.revision);
    INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model,
                             created_by, created_at, updated_at, revision)
    VALUES (NEW.image_id, NEW.id, NEW.label, NEW.x, NEW.y, NEW.width, NEW.height, NEW.confidence, NEW.model,
            NEW.created_by, NEW.created_at, NEW.updated_at, NEW.revision);
END;

-- The newest 250,000 changes are kept at least, about 25 MB. Whoever comes back with an older place is told to start anew.
CREATE TRIGGER trim_annotation_changes AFTER INSERT ON annotation_changes WHEN NEW.seq % 1000 = 0
BEGIN
    DELETE FROM annotation_changes WHERE seq <= NEW.seq - 250000;
END;
