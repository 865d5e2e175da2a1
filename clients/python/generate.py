"""Makes `src/reticle_client/stubs` of the contract in `proto/`: run it where `requirements-dev.txt` is installed.

The stubs need nothing but grpcio and protobuf. What the gateway reads from the contract (HTTP routes and the like) is
left out, and the files are renamed, so that they import each other from within the package.
"""

import sys
import tempfile
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet
from grpc_tools import protoc

HERE = Path(__file__).parent
CONTRACT = HERE.parents[1] / "proto"
# Where a file of the contract goes.
PLACES = {
    "reticle/annotations/v1/annotations.proto": "reticle_client/stubs/annotations.proto",
    "reticle/images/v1/images.proto": "reticle_client/stubs/images.proto",
    "google/rpc/status.proto": "reticle_client/stubs/status.proto",
    "google/rpc/error_details.proto": "reticle_client/stubs/error_details.proto",
}
WITH_SERVICES = ["reticle_client/stubs/annotations.proto", "reticle_client/stubs/images.proto"]
ONLY_FOR_THE_GATEWAY = {"google/api/annotations.proto", "reticle/http/v1/options.proto"}


def generate(folder: Path) -> None:
    """Writes the stubs below `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        contract = Path(scratch) / "contract.binpb"
        run(f"-I{CONTRACT}", f"-I{well_known()}", "--include_imports", f"-o{contract}", *PLACES)
        files = FileDescriptorSet.FromString(contract.read_bytes())
        contract.write_bytes(for_clients(files).SerializeToString())
        read = f"--descriptor_set_in={contract}"
        run(read, f"--python_out={folder}", f"--pyi_out={folder}", *PLACES.values())
        types = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
        run(read, f"--grpc_python_out={folder}", *WITH_SERVICES)
        run(read, f"--plugin={types}", f"--mypy_grpc_out=quiet:{folder}", *WITH_SERVICES)


def for_clients(files: FileDescriptorSet) -> FileDescriptorSet:
    """The same messages and services, without options, below `reticle_client/stubs`."""
    kept = [file for file in files.file if file.name in PLACES or file.name.startswith("google/protobuf/")]
    for file in kept:
        if file.name in PLACES:
            file.name = PLACES[file.name]
        imports = [PLACES.get(name, name) for name in file.dependency if name not in ONLY_FOR_THE_GATEWAY]
        file.dependency[:] = imports
        for message in file.message_type:
            without_field_options(message)
        for service in file.service:
            service.ClearField("options")
            for method in service.method:
                method.ClearField("options")
    # A process that has Google's own `google.rpc` would refuse a second one.
    text = text_format.MessageToString(FileDescriptorSet(file=kept))
    text = text.replace('"google.rpc"', '"reticle.rpc"').replace('".google.rpc.', '".reticle.rpc.')
    return text_format.Parse(text, FileDescriptorSet())


def without_field_options(message: DescriptorProto) -> None:
    """Leaves out what the gateway reads of fields, also of the messages within."""
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        without_field_options(nested)


def well_known() -> Path:
    """The folder of `google/protobuf`, which comes with the compiler."""
    return Path(protoc.__file__).parent / "_proto"


def run(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("protoc failed")


if __name__ == "__main__":
    generate(HERE / "src")
