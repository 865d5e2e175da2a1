// Uses the OpenAPI description with openapi-typescript and openapi-fetch: openapi.mjs FOLDER GATEWAY. Compiles the program
// below with tsc, which checks it against the generated types, and runs it.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, gateway] = process.argv.slice(2);
const PROGRAM = `
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==", "base64");
const baseUrl: string = ${JSON.stringify(gateway.replace(/\/$/, ""))};
const client = createClient<paths>({ baseUrl, headers: { authorization: "Bearer " + process.env.TOKEN } });

const uploaded = await client.POST("/api/images/upload", {
  body: { image: "" },
  bodySerializer: () => {
    const form = new FormData();
    form.append("image", new Blob([png], { type: "image/png" }), "b.png");
    return form;
  },
});
assert.equal(uploaded.error, undefined);
const image = uploaded.data!.image!;
assert.equal(image.filename, "b.png");

const path = { image_id: image.id };
const file = await client.GET("/api/images/{image_id}/content", { params: { path }, parseAs: "arrayBuffer" });
assert.deepEqual(Buffer.from(file.data as unknown as ArrayBuffer), png);

const created = await client.POST("/api/annotations", {
  body: { image_id: image.id, label: "car", width: 0.3, height: 0.4 },
});
assert.equal(created.response.status, 201);
const listed = await client.GET("/api/annotations/by-image/{image_id}", { params: { path } });
assert.deepEqual(listed.data!.annotations.map((annotation) => annotation.label), ["car"]);
`;

const modules = join(folder, "node_modules");
const run = (program, ...arguments_) =>
  execFileSync(process.execPath, [join(modules, program), ...arguments_], { cwd: folder, stdio: "pipe" });
try {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "openapi.json"), await (await fetch(`${gateway}/openapi.json`)).text());
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  run("openapi-typescript/bin/cli.js", "openapi.json", "--output", "api.d.ts");
  const options = ["--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck", "--preserveSymlinks"];
  run("typescript/bin/tsc", ...options, "program.ts");
} catch (error) {
  console.error(String(error.stdout ?? error), String(error.stderr ?? ""));
  process.exit(1);
}
await import(pathToFileURL(join(folder, "program.js")));
