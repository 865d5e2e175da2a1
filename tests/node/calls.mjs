// The gRPC-web calls of a page, made with connect-web's client. They run in Node and in Chromium.

// The first argument has the imported packages, since Node and Chromium resolve them in different ways.
export async function callAll({ protobuf, wkt, connect, web }, { baseUrl, token, imageId, descriptors }) {
  const registry = protobuf.createFileRegistry(protobuf.fromBinary(wkt.FileDescriptorSetSchema, descriptors));
  const authorize = (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  const transport = web.createGrpcWebTransport({ baseUrl, interceptors: [authorize] });
  const client = (service) => connect.createClient(registry.getService(service), transport);
  const annotations = client("reticle.annotations.v1.AnnotationsService");
  const images = client("reticle.images.v1.ImagesService");

  const list = await annotations.listAnnotations({ imageId });
  equal(list.annotations.length, 1);
  equal(list.annotations[0].label, "car");

  const annotation = { imageId, label: "bike", x: 0.5, y: 0.5, width: 0.25, height: 0.25, confidence: 0.75, model: "" };
  const created = await annotations.createAnnotation({ annotation });
  equal(created.annotation.label, "bike");

  const { image } = await images.getImage({ imageId });
  equal(image.id, imageId);

  const bytes = [];
  let content;
  for await (const { payload } of images.downloadImage({ imageId })) {
    if (payload.case === "content") content = payload.value;
    if (payload.case === "data") bytes.push(...payload.value);
  }
  equal(content.contentType, "image/png");
  equal(bytes.length, content.sizeBytes);
  const headers = { authorization: `Bearer ${token}` };
  const stored = await fetch(`${baseUrl}/api/images/${imageId}/content`, { headers });
  equal(String(bytes), String(new Uint8Array(await stored.arrayBuffer())));

  const rejected = await annotations.getAnnotation({ annotationId: "0".repeat(32) }).catch((error) => error);
  equal(rejected instanceof connect.ConnectError, true);
  equal(rejected.code, connect.Code.NotFound);
  equal(rejected.rawMessage, "Annotation not found");
  equal(rejected.details.some(({ type }) => type === "google.rpc.ResourceInfo"), true);

  const invalid = await annotations.createAnnotation({ annotation: { ...annotation, x: 2 } }).catch((error) => error);
  equal(invalid.code, connect.Code.InvalidArgument);
}

export function equal(actual, expected) {
  if (actual !== expected) throw new Error(`expected ${expected}, got ${actual}`);
}
