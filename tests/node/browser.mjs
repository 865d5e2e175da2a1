// Opens pages of an allowed and of a foreign origin in Chromium, and lets them call the gateway:
// node browser.mjs URL TOKEN IMAGE_ID DESCRIPTORS ALLOWED_ORIGIN
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bundle, launch, open } from "./chromium.mjs";

const [baseUrl, token, imageId, descriptors, allowedOrigin] = process.argv.slice(2);
const target = { baseUrl, token, imageId, descriptors: readFileSync(descriptors).toString("base64") };

const script = await bundle("page.mjs");
const browser = await launch();
try {
  const said = [];
  const say = (line) => said.push(line);
  const page = await open(browser, allowedOrigin, script, say);
  await page.evaluate((target) => reticle.callByGrpcWeb(target), target);
  const url = await page.evaluate((target) => reticle.callByFetch(target), target);
  assert.equal(await page.evaluate((url) => reticle.show(url), url), "3x2");
  await page.evaluate((target) => reticle.uploadDirectly(target), target);
  // Chromium notes each answer that is an error, and a picture over plain HTTP, which the test's gateway speaks.
  const expected = [
    "error: Failed to load resource: the server responded with a status of 409",
    "warning: Mixed Content: The page at 'https://app.example/' was loaded over HTTPS, but requested an insecure element",
  ];
  assert.deepEqual(said.filter((line) => !expected.some((start) => line.startsWith(start))), []);

  const stranger = await open(browser, "https://stranger.example", script, say);
  assert.equal(await stranger.evaluate((target) => reticle.peek(target), target), "TypeError");
  assert.ok(said.some((line) => line.includes("blocked by CORS policy")), said.join("\n"));
} finally {
  await browser.close();
}
console.log("the pages got what is theirs");
