// Starts Chromium, and opens pages of origins that exist only in it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const tools = process.env.RETICLE_TEST_TOOLS;
const require = createRequire(join(tools, "package.json"));
const { chromium } = require("playwright-core");
const { build } = require("esbuild");

/** Bundles a module of this folder and its imports into one script. */
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
      // Otherwise Chromium asks the user before a page of an internet origin calls this machine, where the test's gateway is.
      "--disable-features=LocalNetworkAccessChecks",
    ],
  });
}

/** Opens a page of `origin` that runs `script`. Chromium treats the origin as real: it sends CORS preflights to the gateway. */
export async function open(browser, origin, script, log = () => {}) {
  const page = await browser.newPage();
  page.on("console", (message) => log(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => log(`error: ${error}`));
  await page.route(`${origin}/**`, (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html><title>A page</title>" }));
  await page.goto(`${origin}/`);
  await page.evaluate(script);
  return page;
}
