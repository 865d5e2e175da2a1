"""Uploads an image and creates annotations with Google's gRPC, by reflection only: reflection.py IMAGES ANNOTATIONS TOKEN."""

import sys
from pathlib import Path

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

sys.path.append(str(Path(__file__).with_name("openapi")))
from images import png


class Service:
    """A client of one service at one address. It gets the message types by reflection."""

    def __init__(self, address, name, token):
        self.channel = grpc.insecure_channel(address)
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.service = pool.FindServiceByName(name)
        self.metadata = [("authorization", f"Bearer {token}")]

    def request(self, method, **fields):
        return message_factory.GetMessageClass(self.service.methods_by_name[method].input_type)(**fields)

    def call(self, method, request):
        found = self.service.methods_by_name[method]
        kind = "stream_unary" if found.client_streaming else "unary_unary"
        caller = getattr(self.channel, kind)(
            f"/{self.service.full_name}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(found.output_type).FromString,
        )
        return caller(request, metadata=self.metadata, timeout=30)


images_address, annotations_address, token = sys.argv[1:]
images = Service(images_address, "reticle.images.v1.ImagesService", token)
annotations = Service(annotations_address, "reticle.annotations.v1.AnnotationsService", token)

image = png(32, 24)
uploaded = images.call(
    "UploadImage",
    iter(
        [
            images.request("UploadImage", info={"filename": "python.png", "content_type": "image/png"}),
            images.request("UploadImage", data=image[:50]),
            images.request("UploadImage", data=image[50:]),
        ]
    ),
).image
assert (uploaded.width, uploaded.height, uploaded.size_bytes) == (32, 24, len(image)), uploaded

annotation = {"image_id": uploaded.id, "label": "car", "x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2, "confidence": 0.9}
stored = annotations.call(
    "BulkCreateAnnotations", annotations.request("BulkCreateAnnotations", annotations=[annotation] * 3)
)
listed = annotations.call("ListAnnotations", annotations.request("ListAnnotations", image_id=uploaded.id))
assert [one.id for one in listed.annotations] == list(reversed(stored.ids)), listed

try:
    annotations.call("GetAnnotation", annotations.request("GetAnnotation", annotation_id="0" * 32))
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND, error
else:
    raise AssertionError("an annotation that does not exist was found")

print(f"stored {stored.inserted} annotations")
