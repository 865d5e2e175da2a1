"""A producer to be killed: `producer.py TARGET TOKEN STREAM IMAGE COUNT` sends what is left of COUNT boxes."""

import sys

from server import boxes

from reticle_client import IngestSession

target, token, stream_id, image_id, count = sys.argv[1:]
with IngestSession(target, token, stream_id, batch_size=37, max_delay=0.001) as session:
    print(session.next_offset, flush=True)
    for place in range(session.next_offset, int(count)):
        session.send(boxes(image_id, range(place, place + 1)))
