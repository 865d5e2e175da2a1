-- Why a picture's width and height are not known, where they are not: "truncated", "malformed", "header_too_long" or
-- "impossible". Records from before have none.
ALTER TABLE images ADD COLUMN unknown_size TEXT;
