// Opens the page in Chromium, uses it as a visitor does, and prints what it found as JSON.
//
//     node browser.mjs URL PICTURE TEXT_FILE

import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const [url, picture, textFile] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP laptop.test 127.0.0.1",
  ],
});
const page = await browser.newPage({ permissions: ["camera"] });
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
  await action();
  await page.waitForFunction(() => document.getElementById("answer").textContent !== "Looking …");
}
const cameraIsOn = () => page.evaluate(() => document.getElementById("view").srcObject !== null);
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

const canDraw = await page.isVisible("#paper");
if (canDraw) {
  await draw([[70, 60], [200, 60], [115, 230]]);
  await told(() => page.click("#say"));
  found.drawn = await answer();
}

await told(() => page.setInputFiles("#file", picture));
found.picture = { answer: await answer(), samples: await samples() };
found.rows = await page.locator("#guesses tbody tr").count();

await told(() => page.setInputFiles("#file", textFile));
found.text = { answer: await answer(), message: await message(), playerHidden: await page.isHidden("#player") };

if (canDraw) {
  await page.click("#clear");
  await told(() => page.click("#say"));
  found.blank = await message();
}

const examples = page.locator("#examples button");
found.examples = [];
for (let k = 0; k < (await examples.count()); k++) {
  await told(() => examples.nth(k).press("Enter"));
  found.examples.push({ name: await examples.nth(k).locator("img").getAttribute("alt"), answer: await answer() });
}
// Of two pictures at once the later one is spoken.
await told(() => examples.evaluateAll((buttons) => buttons.slice(0, 2).forEach((button) => button.click())));
found.ofTwo = await answer();

await page.click("#camera");
await page.waitForSelector("#shoot:visible");
// Another press before the picture is taken changes nothing.
await page.evaluate(() => {
  for (const id of ["shoot", "shoot", "close"]) document.getElementById(id).click();
});
await page.waitForSelector("#camera:visible");
await told(() => {});
found.camera = { told: (await answer()) || (await message()), isOn: await cameraIsOn() };
await page.click("#camera");
await page.click("#close");
found.camera.isOnAfterClose = await cameraIsOn();
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

// Where the network is missing, each picture says so.
const broken = await browser.newPage();
await broken.route("**/model.onnx", (route) => route.abort());
await broken.goto(url);
await broken.waitForFunction(() => document.getElementById("message").textContent);
await broken.evaluate(() => (document.getElementById("message").textContent = ""));
await broken.setInputFiles("#file", picture);
found.withoutNetwork = await broken.textContent("#message");

// As another machine of the house sees it: there a page without https has no camera.
const insecure = await browser.newPage();
await insecure.goto(url.replace("localhost", "laptop.test"));
await insecure.waitForFunction(() => document.getElementById("answer").textContent === "Ready.");
await insecure.click("#camera");
await insecure.waitForFunction(() => document.getElementById("message").textContent);
found.withoutHttps = await insecure.textContent("#message");

console.log(JSON.stringify({ ...found, consoleErrors, elsewhere }));
await browser.close();
