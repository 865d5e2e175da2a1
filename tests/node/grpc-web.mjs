// Calls the gateway by gRPC-web with connect-web's client, as a page would: node grpc-web.mjs URL TOKEN IMAGE_ID DESCRIPTORS
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.RETICLE_TEST_TOOLS, "package.json"));
const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { Code, ConnectError, createClient } = require("@connectrpc/connect");
const { createGrpcWebTransport } = require("@connectrpc/connect-web");

const [baseUrl, token, imageId, descriptors] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const authorize = (next) => (request) => {
  request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};
const transport = createGrpcWebTransport({ baseUrl, interceptors: [authorize] });
const client = (service) => createClient(registry.getService(service), transport);
const annotations = client("reticle.annotations.v1.AnnotationsService");
const images = client("reticle.images.v1.ImagesService");

const list = await annotations.listAnnotations({ imageId });
assert.equal(list.annotations.length, 1);
assert.equal(list.annotations[0].label, "car");

const box = { imageId, label: "bike", x: 0.5, y: 0.5, width: 0.25, height: 0.25, confidence: 0.75, model: "" };
const created = await annotations.createAnnotation({ annotation: box });
assert.equal(created.annotation.label, "bike");

let bytes = 0;
let contentType;
for await (const { payload } of images.downloadImage({ imageId })) {
  if (payload.case === "content") contentType = payload.value.contentType;
  if (payload.case === "data") bytes += payload.value.length;
}
assert.equal(contentType, "image/png");
assert.ok(bytes > 0);

const refused = await annotations.getAnnotation({ annotationId: "0".repeat(32) }).catch((error) => error);
assert.ok(refused instanceof ConnectError);
assert.equal(refused.code, Code.NotFound);
assert.equal(refused.rawMessage, "Annotation not found");
assert.ok(refused.details.some(({ type }) => type === "google.rpc.ResourceInfo"));

const invalid = await annotations.createAnnotation({ annotation: { ...box, x: 2 } }).catch((error) => error);
assert.equal(invalid.code, Code.InvalidArgument);

console.log("all gRPC-web calls answered");
