"""A producer to be killed: `producer.py TARGET TOKEN STREAM IMAGE COUNT` resumes and sends up to COUNT annotations."""

import sys

from server import new_annotations

from reticle_client import IngestSession

target, token, stream_id, image_id, count = sys.argv[1:]
with IngestSession(target, token, stream_id, batch_size=37, max_delay=0.001) as session:
    print(session.next_offset, flush=True)
    for offset in range(session.next_offset, int(count)):
        session.send(new_annotations(image_id, range(offset, offset + 1)))
