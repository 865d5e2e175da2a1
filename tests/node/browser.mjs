// Opens pages of an allowed and of a foreign origin in Chromium, and lets them call the gateway:
// node browser.mjs URL TOKEN IMAGE_ID DESCRIPTORS ALLOWED_ORIGIN
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const tools = process.env.RETICLE_TEST_TOOLS;
const require = createRequire(join(tools, "package.json"));
const { chromium } = require("playwright-core");
const { build } = require("esbuild");

const [baseUrl, token, imageId, descriptors, allowedOrigin] = process.argv.slice(2);
const target = { baseUrl, token, imageId, descriptors: readFileSync(descriptors).toString("base64") };

const bundle = await build({
  entryPoints: [fileURLToPath(new URL("page.mjs", import.meta.url))],
  bundle: true,
  format: "iife",
  nodePaths: [join(tools, "node_modules")],
  write: false,
});
const script = bundle.outputFiles[0].text;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A page on the internet may not call this machine without asking its user. No gateway of an application is there.
    "--disable-features=LocalNetworkAccessChecks",
  ],
});
try {
  const said = [];
  // The origins exist only here, but for Chromium they are what they say: it asks the gateway before each call.
  const open = async (origin) => {
    const page = await browser.newPage();
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`error: ${error}`));
    await page.route(`${origin}/**`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><title>A page</title>" }));
    await page.goto(`${origin}/`);
    await page.evaluate(script);
    return page;
  };

  const page = await open(allowedOrigin);
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

  const stranger = await open("https://stranger.example");
  assert.equal(await stranger.evaluate((target) => reticle.peek(target), target), "TypeError");
  assert.ok(said.some((line) => line.includes("blocked by CORS policy")), said.join("\n"));
} finally {
  await browser.close();
}
console.log("the pages got what is theirs");
