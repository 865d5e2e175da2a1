// Watches an image in Chromium with the TypeScript client until it has the change with the label LAST and all earlier ones, and
// prints its final state:
// node watch.mjs URL TOKEN IMAGE_ID ORIGIN LAST
import { bundle, launch, open } from "./chromium.mjs";

const [baseUrl, token, imageId, origin, last] = process.argv.slice(2);

const browser = await launch();
try {
  const page = await open(browser, origin, await bundle("watcher.mjs"));
  const state = await page.evaluate((target) => watcher.until(target), { baseUrl, token, imageId, last });
  console.log(JSON.stringify(state));
} finally {
  await browser.close();
}
