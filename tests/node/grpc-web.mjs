// Calls the gateway by gRPC-web from Node: node grpc-web.mjs URL TOKEN IMAGE_ID DESCRIPTORS
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { callAll } from "./calls.mjs";

const require = createRequire(join(process.env.RETICLE_TEST_TOOLS, "package.json"));
const packages = {
  protobuf: require("@bufbuild/protobuf"),
  wkt: require("@bufbuild/protobuf/wkt"),
  connect: require("@connectrpc/connect"),
  web: require("@connectrpc/connect-web"),
};

const [baseUrl, token, imageId, descriptors] = process.argv.slice(2);
await callAll(packages, { baseUrl, token, imageId, descriptors: readFileSync(descriptors) });
console.log("all gRPC-web checks passed");
