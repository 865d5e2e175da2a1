// The code of the page, bundled as an application's code. Each function is one task of a page with Reticle.
import * as protobuf from "@bufbuild/protobuf";
import * as wkt from "@bufbuild/protobuf/wkt";
import * as connect from "@connectrpc/connect";
import * as web from "@connectrpc/connect-web";
import { callAll, equal } from "./calls.mjs";

const api = ({ baseUrl, token }) => (path, options = {}) => {
  const headers = { authorization: `Bearer ${token}`, ...options.headers };
  return fetch(baseUrl + path, { ...options, headers });
};

// Creates an image of 3 × 2 pixels.
const createImage = () => {
  const canvas = new OffscreenCanvas(3, 2);
  canvas.getContext("2d");
  return canvas.convertToBlob();
};

globalThis.reticle = {
  // gRPC-web, unary and server streaming.
  async callByGrpcWeb(target) {
    const descriptors = Uint8Array.from(atob(target.descriptors), (char) => char.charCodeAt(0));
    await callAll({ protobuf, wkt, connect, web }, { ...target, descriptors });
  },

  // HTTP/JSON by `fetch`: a form with a file, a conditional change, and the headers that a page may read.
  async callByFetch(target) {
    const call = api(target);
    const form = new FormData();
    form.append("image", await createImage(), "canvas.png");
    const uploaded = await call("/api/images/upload", { method: "POST", body: form });
    equal(uploaded.status, 201);
    const { image } = await uploaded.json();
    equal(`${image.filename} ${image.width}x${image.height}`, "canvas.png 3x2");

    const read = await call(`/api/images/${image.id}`);
    equal(read.headers.get("etag"), `"${image.etag}"`);
    equal(/^[0-9a-f]{32}$/.test(read.headers.get("x-request-id")), true);
    const json = { "content-type": "application/json", "if-match": read.headers.get("etag") };
    const changed = await call(`/api/images/${image.id}`, { method: "PATCH", headers: json, body: '{"filename":"b.png"}' });
    equal((await changed.json()).image.filename, "b.png");
    const stale = await call(`/api/images/${image.id}`, { method: "PATCH", headers: json, body: '{"filename":"c.png"}' });
    equal(stale.status, 409);
    equal((await stale.json()).code, "ABORTED");
    return (await (await call(`/api/images/${image.id}/signed-url`)).json()).url;
  },

  // A direct upload: sends the returned request without a token.
  async uploadDirectly(target) {
    const call = api(target);
    const body = await createImage();
    const declared = JSON.stringify({ filename: "direct.png", content_type: body.type, size_bytes: body.size });
    const json = { "content-type": "application/json" };
    const created = await call("/api/images/uploads", { method: "POST", headers: json, body: declared });
    const { upload } = await created.json();
    const sent = await fetch(upload.url, { method: upload.method, headers: upload.headers, body });
    equal(sent.ok, true);
    const completed = await call(`/api/images/uploads/${upload.id}:complete`, { method: "POST" });
    const { image } = await completed.json();
    equal(`${image.id} ${image.filename} ${image.width}x${image.height}`, `${upload.id} direct.png 3x2`);
  },

  // Shows an image in the page, by a URL that needs no token.
  async show(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return `${image.naturalWidth}x${image.naturalHeight}`;
  },

  // Tries to read a response from a page of another origin.
  async tryToRead({ baseUrl, token }) {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${baseUrl}/api/images`, { headers }).then((response) => `read ${response.status}`, (error) => error.name);
  },
};
