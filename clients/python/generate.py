"""Generates `src/reticle_client/stubs` from the .proto files in `proto/`; it needs `requirements-dev.txt` installed.

The stubs need only grpcio and protobuf. The options that only the gateway reads (such as HTTP routes) are removed, and
the files are renamed, so that they import each other from within the package.
"""

import sys
import tempfile
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from grpc_tools import protoc

HERE = Path(__file__).parent
PROTO = HERE.parents[1] / "proto"
# The path of each file in the package.
PATHS = {
    "reticle/annotations/v1/annotations.proto": "reticle_client/stubs/annotations.proto",
    "reticle/images/v1/images.proto": "reticle_client/stubs/images.proto",
    "google/rpc/status.proto": "reticle_client/stubs/status.proto",
    "google/rpc/error_details.proto": "reticle_client/stubs/error_details.proto",
}
WITH_SERVICES = ["reticle_client/stubs/annotations.proto", "reticle_client/stubs/images.proto"]
ONLY_FOR_THE_GATEWAY = {"google/api/annotations.proto", "reticle/http/v1/options.proto"}


def generate(folder: Path) -> None:
    """Writes the stubs to `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        contract = Path(scratch) / "contract.binpb"
        run(f"-I{PROTO}", f"-I{well_known()}", "--include_imports", f"-o{contract}", *PATHS)
        files = FileDescriptorSet.FromString(contract.read_bytes())
        contract.write_bytes(for_clients(files).SerializeToString())
        read = f"--descriptor_set_in={contract}"
        run(read, f"--python_out={folder}", f"--pyi_out={folder}", *PATHS.values())
        types = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
        run(read, f"--grpc_python_out={folder}", *WITH_SERVICES)
        run(read, f"--plugin={types}", f"--mypy_grpc_out=quiet:{folder}", *WITH_SERVICES)


def for_clients(files: FileDescriptorSet) -> FileDescriptorSet:
    """Returns the same messages and services, without options, below `reticle_client/stubs`."""
    kept = [file for file in files.file if file.name in PATHS or file.name.startswith("google/protobuf/")]
    for file in kept:
        if file.name in PATHS:
            file.name = PATHS[file.name]
        imports = [PATHS.get(name, name) for name in file.dependency if name not in ONLY_FOR_THE_GATEWAY]
        file.dependency[:] = imports
        for message in file.message_type:
            without_field_options(message)
        for service in file.service:
            service.ClearField("options")
            for method in service.method:
                method.ClearField("options")
    # protobuf rejects a second `google.rpc` in a process that has Google's own.
    text = text_format.MessageToString(FileDescriptorSet(file=kept))
    text = text.replace('"google.rpc"', '"reticle.rpc"').replace('".google.rpc.', '".reticle.rpc.')
    return text_format.Parse(text, FileDescriptorSet())


def without_field_options(message: DescriptorProto) -> None:
    """Removes the fields' options, which only the gateway reads, also in nested messages."""
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        without_field_options(nested)


def well_known() -> Path:
    """Returns the folder of `google/protobuf`, which comes with the compiler."""
    return Path(protoc.__file__).parent / "_proto"


def run(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("protoc failed")


if __name__ == "__main__":
    generate(HERE / "src")
