"""The command `reticle-ingest FILE`: stores the annotations of a file."""
