"""Uses the client that openapi-python-client generates from the OpenAPI description: client.py FOLDER GATEWAY."""

import io
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from images import png

FOLDER, GATEWAY = Path(sys.argv[1]), sys.argv[2].rstrip("/")


def main():
    generate()
    sys.path.insert(0, str(FOLDER))
    from generated import AuthenticatedClient, models, types
    from generated.api.annotations_service import create_annotation, list_annotations
    from generated.api.images_service import download_image, get_image, upload_image

    client = AuthenticatedClient(base_url=GATEWAY, token=os.environ["TOKEN"])
    file = types.File(payload=io.BytesIO(png()), file_name="b.png", mime_type="image/png")
    uploaded = upload_image.sync(client=client, body=models.UploadImageFilesBody(image=file))
    image = uploaded.image
    assert (image.filename, image.size_bytes, image.width) == ("b.png", len(png()), 1), uploaded
    assert get_image.sync(image.id, client=client).image.sha256 == image.sha256

    downloaded = download_image.sync(image.id, client=client)
    assert downloaded.payload.read() == png()
    part = download_image.sync_detailed(image.id, client=client, range_="bytes=1-3")
    assert (part.status_code, part.parsed.payload.read()) == (206, b"PNG"), part

    new = models.NewAnnotation(image_id=image.id, label="car", x=0.1, y=0.2, width=0.3, height=0.4)
    created = create_annotation.sync(client=client, body=new).annotation
    listed = list_annotations.sync(image.id, client=client).annotations
    assert [annotation.to_dict() for annotation in listed] == [created.to_dict()]
    wrong = models.NewAnnotation(image_id=image.id, label="", width=0.3, height=0.4)
    assert "label must be" in create_annotation.sync(client=client, body=wrong).error


def generate():
    description = FOLDER / "openapi.json"
    description.write_bytes(urllib.request.urlopen(f"{GATEWAY}/openapi.json").read())
    program = Path(sys.executable).with_name("openapi-python-client")
    arguments = ["generate", "--path", description, "--meta", "none", "--output-path", FOLDER / "generated"]
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [program, *arguments], env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The generator supports everything except raw bodies with several media types. A form sends the same data.
    left_out = [line for line in done.stdout.splitlines() if line.startswith("WARNING")]
    operations = {path for path in json.loads(description.read_text())["paths"] if "upload" in path}
    assert all(any(path in line for path in operations) for line in left_out), left_out


main()
