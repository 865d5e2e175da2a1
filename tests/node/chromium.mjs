// Chromium, and pages of origins that exist only there.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const tools = process.env.RETICLE_TEST_TOOLS;
const require = createRequire(join(tools, "package.json"));
const { chromium } = require("playwright-core");
const { build } = require("esbuild");

/** A module of this folder and what it imports, as one script. */
export async function bundle(name) {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    bundle: true,
    format: "iife",
    nodePaths: [join(tools, "node_modules")],
    write: false,
  });
  return bundle.outputFiles[0].text;
}

export function launch() {
  return chromium.launch({
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
}

/** A page of `origin` that runs `script`. For Chromium the origin is what it says: it asks the gateway before each call. */
export async function open(browser, origin, script, say = () => {}) {
  const page = await browser.newPage();
  page.on("console", (message) => say(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => say(`error: ${error}`));
  await page.route(`${origin}/**`, (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html><title>A page</title>" }));
  await page.goto(`${origin}/`);
  await page.evaluate(script);
  return page;
}
