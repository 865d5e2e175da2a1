// Watches an image in Chromium by the TypeScript client until a box with the label LAST, and prints what it knows then:
// node watch.mjs URL TOKEN IMAGE_ID ORIGIN LAST
import { bundle, launch, open } from "./chromium.mjs";

const [baseUrl, token, imageId, origin, last] = process.argv.slice(2);

const browser = await launch();
try {
  const page = await open(browser, origin, await bundle("watcher.mjs"));
  const known = await page.evaluate((target) => watcher.until(target), { baseUrl, token, imageId, last });
  console.log(JSON.stringify(known));
} finally {
  await browser.close();
}
