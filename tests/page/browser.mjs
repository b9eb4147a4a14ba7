// Opens the page in Chromium, uses it as a visitor does, and prints what it found as JSON.
//
//     node browser.mjs URL PICTURE TEXT_FILE

import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, picture, textFile] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
});
const page = await browser.newPage();
const [consoleErrors, elsewhere] = [[], []];
page.on("console", (message) => message.type() === "error" && consoleErrors.push(message.text()));
page.on("pageerror", (error) => consoleErrors.push(String(error)));
page.on("request", (request) => {
  const address = request.url();
  if (!address.startsWith(url) && !/^(blob|data):/.test(address)) elsewhere.push(address);
});

const answer = () => page.textContent("#answer");
const message = () => page.textContent("#message");
async function samples() {
  return page.evaluate(async () => {
    const bytes = await (await fetch(document.getElementById("player").src)).arrayBuffer();
    return Array.from(new Int16Array(bytes, 44));
  });
}
async function told(action) {
  const before = await answer();
  await action();
  await page.waitForFunction(
    (text) =>
      document.getElementById("answer").textContent !== text ||
      document.getElementById("message").textContent,
    before,
  );
}
async function draw(points) {
  const box = await page.locator("#paper").boundingBox();
  const at = ([x, y]) => [box.x + (x * box.width) / 280, box.y + (y * box.height) / 280];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  for (const point of points.slice(1)) await page.mouse.move(...at(point), { steps: 8 });
  await page.mouse.up();
}

await page.goto(url);
await page.waitForFunction(() => document.getElementById("answer").textContent === "Ready.");
const found = { known: await page.textContent("#known") };

await draw([[70, 60], [200, 60], [115, 230]]);
await told(() => page.click("#say"));
found.drawn = await answer();
found.rows = await page.locator("#guesses tbody tr").count();

await told(() => page.setInputFiles("#file", picture));
found.picture = { answer: await answer(), samples: await samples() };

await told(() => page.setInputFiles("#file", textFile));
found.text = { answer: await answer(), message: await message(), playerHidden: await page.isHidden("#player") };

await page.click("#clear");
await told(() => page.click("#say"));
found.blank = await message();

const example = page.locator("#examples button").first();
if (await example.isVisible()) {
  await told(() => example.press("Enter"));
  found.example = await answer();
}
found.voices = await page.locator("#voice:visible option").allTextContents();
if (found.voices.length) {
  await told(() => page.setInputFiles("#file", picture));
  await page.evaluate(() => document.getElementById("player").pause());
  const before = await page.getAttribute("#player", "src");
  await page.selectOption("#voice", { index: 1 });
  await page.waitForFunction((src) => document.getElementById("player").getAttribute("src") !== src, before);
  found.otherVoice = await samples();
}

// Not as a script tag: the page's own policy lets none in.
await page.evaluate(readFileSync("node_modules/axe-core/axe.min.js", "utf8"));
const { violations } = await page.evaluate(() => axe.run());
found.violations = violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
await page.screenshot({ path: process.env.SCREENSHOT ?? "/dev/null", fullPage: true, type: "png" });
console.log(JSON.stringify({ ...found, consoleErrors, elsewhere }));
await browser.close();
