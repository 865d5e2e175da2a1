"""Sends requests that the OpenAPI description allows: fuzz.py FOLDER GATEWAY.

The description must be valid, no valid request may be rejected or fail, and responses must match the description.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

FOLDER, GATEWAY = sys.argv[1], sys.argv[2].rstrip("/")
HERE = Path(__file__).parent
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
)

validate(json.load(urllib.request.urlopen(f"{GATEWAY}/openapi.json")))
command = [Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml"]
command += ["run", f"{GATEWAY}/openapi.json", "--header", f"Authorization: Bearer {os.environ['TOKEN']}"]
command += ["--mode", "positive", "--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)]
# A fixed seed sends the same requests in each run. A watch does not end, so it is excluded.
command += ["--seed", "1", "--max-examples", "10", "--exclude-operation-id", "WatchAnnotations", "--no-color"]
environment = os.environ | {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
sys.exit(subprocess.run(command, env=environment, cwd=FOLDER, check=False).returncode)
