// Opens pages of an allowed and of another origin in Chromium, and lets them call the gateway:
// node browser.mjs URL TOKEN IMAGE_ID DESCRIPTORS ALLOWED_ORIGIN
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { bundle, launch, open } from "./chromium.mjs";

const [baseUrl, token, imageId, descriptors, allowedOrigin] = process.argv.slice(2);
const target = { baseUrl, token, imageId, descriptors: readFileSync(descriptors).toString("base64") };

const script = await bundle("page.mjs");
const browser = await launch();
try {
  const logged = [];
  const log = (line) => logged.push(line);
  const page = await open(browser, allowedOrigin, script, log);
  await page.evaluate((target) => reticle.callByGrpcWeb(target), target);
  const url = await page.evaluate((target) => reticle.callByFetch(target), target);
  assert.equal(await page.evaluate((url) => reticle.show(url), url), "3x2");
  await page.evaluate((target) => reticle.uploadDirectly(target), target);
  // Chromium logs each error response, and each image over plain HTTP, which the test's gateway uses.
  const expected = [
    "error: Failed to load resource: the server responded with a status of 409",
    "warning: Mixed Content: The page at 'https://app.example/' was loaded over HTTPS, but requested an insecure element",
  ];
  assert.deepEqual(logged.filter((line) => !expected.some((start) => line.startsWith(start))), []);

  const otherPage = await open(browser, "https://other.example", script, log);
  assert.equal(await otherPage.evaluate((target) => reticle.tryToRead(target), target), "TypeError");
  assert.ok(logged.some((line) => line.includes("blocked by CORS policy")), logged.join("\n"));
} finally {
  await browser.close();
}
console.log("all page checks passed");
