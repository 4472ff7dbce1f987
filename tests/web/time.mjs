// SPDX-License-Identifier: Apache-2.0
// How long a browser needs for a picture: node tests/web/time.mjs FILE.svg [FILE.svg...]
// Opening: from navigation to the first frame after load. Zoom, search, reset: script, layout and
// paint, until the next frame is on the screen; the best and the worst of several.
import {pathToFileURL} from "node:url";
import {launch} from "./lib.mjs";

// Runs an action in the page and waits until the frame after it was drawn.
async function timed(page, action) {
  return page.evaluate(async (code) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    await frame();
    const t = performance.now();
    new Function(code)();
    const script = performance.now() - t;
    await frame();
    return {script, all: performance.now() - t};
  }, action);
}

function range(times) {
  const span = (key) => {
    const v = times.map((t) => t[key]).sort((a, b) => a - b);
    return v[0].toFixed(0) + ".." + v[v.length - 1].toFixed(0);
  };
  return `${span("all")} ms (script ${span("script")})`;
}

const clickWide = `
  const wide = [...document.querySelectorAll("#frames rect")].filter((r) => {
    const w = +r.getAttribute("width");
    return w > 60 && w < 700 && r.getAttribute("class") !== "o";
  }).sort((a, b) => +b.getAttribute("width") - +a.getAttribute("width"));
  wide[Math.floor(wide.length / 3)]?.dispatchEvent(new MouseEvent("click", {bubbles: true}));`;

const unzoom = `document.querySelector("#unzoom").dispatchEvent(new MouseEvent("click"))`;

for (const file of process.argv.slice(2)) {
  const page = await (await (await launch()).newContext({viewport: {width: 1240, height: 800}})).newPage();
  const start = performance.now();
  await page.goto(pathToFileURL(file).href);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  const open = performance.now() - start;
  await page.waitForFunction(() => !document.querySelector("metadata.tree"));
  await page.waitForTimeout(300); // the script's own picture is drawn when the browser is idle
  const zooms = [], resets = [], searches = [];
  for (let i = 0; i < 5; i++) {
    zooms.push(await timed(page, clickWide));
    zooms.push(await timed(page, clickWide));
    resets.push(await timed(page, unzoom));
  }
  for (const text of ["a", "alloc", "fn_.*1"]) {
    await page.keyboard.press("/");
    searches.push(await timed(page, `
      const box = document.querySelector("#box");
      box.value = ${JSON.stringify(text)};
      box.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true}));`));
  }
  const n = await page.evaluate(() => document.querySelectorAll("#frames *").length);
  console.log(`${file}: open ${open.toFixed(0)} ms, zoom ${range(zooms)}, reset ${range(resets)}, ` +
    `search ${range(searches)}, ${n} live elements`);
  await page.context().close();
}
await (await launch()).close();
