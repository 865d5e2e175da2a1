// Prints the size that Chromium shows for each image in a folder and its subfolders: node sizes.mjs FOLDER
// One line of JSON for each file: its path, and the width and height, or null if Chromium cannot show it.
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { launch } from "./chromium.mjs";

const files = readdirSync(process.argv[2], { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.path, entry.name));

const server = createServer((request, response) => {
  const file = files[Number(request.url.slice(1) || NaN)];
  response.setHeader("content-type", file ? "image/*" : "text/html");
  response.end(file ? readFileSync(file) : "<!doctype html>");
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await launch();
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const sizes = await page.evaluate(async (count) => {
    const size = (index) => new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve([image.naturalWidth, image.naturalHeight]);
      image.onerror = () => resolve(null);
      image.src = `/${index}`;
    });
    const sizes = new Array(count);
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const index = next++;
        sizes[index] = await size(index);
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    return sizes;
  }, files.length);
  files.forEach((file, index) => console.log(JSON.stringify([file, sizes[index]])));
} finally {
  await browser.close();
  server.close();
}
