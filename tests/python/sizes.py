"""Prints the upright size that Pillow shows for each image in a folder and its subfolders: sizes.py FOLDER.

One line of JSON for each file: its path, and the width and height, or null if Pillow cannot show it or Reticle does not
accept its format.
"""

import json
import sys
import warnings
from pathlib import Path

from PIL import Image, ImageOps

# MPO is JPEG with more than one image.
FORMATS = {"AVIF", "BMP", "GIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP"}
# Larger images are not decoded; their size is read from the header.
MAX_DECODED_PIXELS = 50_000_000


def size(path):
    with Image.open(path) as image:
        if image.format not in FORMATS:
            return None
        if image.width * image.height > MAX_DECODED_PIXELS:
            return image.size
        image.load()
        return ImageOps.exif_transpose(image).size


warnings.simplefilter("ignore")
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if not path.is_file():
        continue
    try:
        found = size(path)
    except Exception:
        found = None
    print(json.dumps([str(path), found]))
