-- The images that callers can see. Of the images' table, the annotations service reads this view and nothing else.
CREATE VIEW visible_images AS SELECT id FROM images WHERE deleted_at IS NULL;

-- Annotations of a deleted image do not change. Every write of annotations records what it changes in its own batch, so
-- one check for each image of a write suffices. The text is the one by which adapters know a broken reference.
CREATE TRIGGER require_visible_image BEFORE INSERT ON annotation_changes
WHEN NEW.first_id <> '' AND NOT EXISTS (SELECT 1 FROM visible_images WHERE id = NEW.image_id)
BEGIN
    SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: the image is deleted');
END;

-- Deleting and undeleting an image are changes for those who watch it. No annotation has the id ''.
CREATE TRIGGER record_image_visibility AFTER UPDATE OF deleted_at ON images
WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
BEGIN
    INSERT INTO annotation_changes (image_id, first_id, last_id, revision) VALUES (NEW.id, '', '', NULL);
END;
