// SPDX-License-Identifier: Apache-2.0
// What the browser tests share: a harness, a browser, pictures made by spoor, and the truth.
import {spawnSync} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {chromium} from "playwright-core";

const SPOOR = process.env.SPOOR ?? "./spoor";
export const dir = mkdtempSync(join(tmpdir(), "spoor-web-"));
process.on("exit", () => rmSync(dir, {recursive: true, force: true}));
const tests = [];

export function test(name, fn) {
  tests.push({name, fn});
}

export function check(ok, what) {
  if (!ok) throw new Error(what);
}

export function equal(got, want, what) {
  check(Object.is(got, want), `${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

export function near(got, want, by, what) {
  check(Math.abs(got - want) <= by, `${what}: got ${got}, want ${want} +- ${by}`);
}

let browser;
export async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return browser;
}

// Opens a picture and gives fn the page; anything on the console or thrown in the page is a failure.
export async function withPage(url, options, fn) {
  const context = await (await launch()).newContext({viewport: {width: 1240, height: 800}, ...options});
  const page = await context.newPage(), wrong = [];
  page.on("console", (m) => wrong.push("console: " + m.text()));
  page.on("pageerror", (e) => wrong.push("error: " + e.message));
  page.on("dialog", (d) => { wrong.push("dialog: " + d.message()); d.dismiss(); });
  page.on("request", (r) => { if (!/^(file|data):/.test(r.url())) wrong.push("request: " + r.url()); });
  try {
    await page.goto(url);
    await fn(page);
  } finally {
    await context.close();
  }
  equal(wrong.join("; "), "", "page is silent");
}

export const spoor = (args, input) => spawnSync(SPOOR, args, {encoding: "utf8", input, maxBuffer: 1 << 28});

// Runs spoor flame on text; gives the status, what it said, and the picture's place.
export function flame(name, folded, ...args) {
  const input = join(dir, name + ".folded"), svg = join(dir, name + ".svg");
  writeFileSync(input, folded);
  const r = spoor(["flame", "-o", svg, ...args, input]);
  return {status: r.status, stderr: r.stderr, svg, url: "file://" + svg};
}

export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Many stacks that share beginnings, in folded form.
export function manyStacks(n, seed) {
  const r = random(seed), paths = [["app", "main"]], lines = [];
  for (let i = 0; i < n; i++) {
    const base = paths[Math.floor(r() * paths.length)];
    const path = base.slice(0, 2 + Math.floor(r() * base.length));
    for (let k = Math.floor(r() * 8); k >= 0; k--) path.push("fn_" + Math.floor(r() * r() * 900));
    if (path.length < 40) paths.push(path);
    lines.push(path.join(";") + " " + (1 + Math.floor(1 / (r() + 1e-4))));
  }
  return lines.join("\n") + "\n";
}

// The truth: a tree {name, total, self, kids} straight from folded text.
export function treeOf(folded) {
  const root = {name: "all", total: 0, self: 0, kids: new Map()};
  for (const line of folded.split("\n")) {
    const at = line.lastIndexOf(" "), w = +line.slice(at + 1);
    if (at < 0) continue;
    let n = root;
    n.total += w;
    for (const name of line.slice(0, at).split(";")) {
      if (!n.kids.has(name)) n.kids.set(name, {name, total: 0, self: 0, kids: new Map()});
      n = n.kids.get(name);
      n.total += w;
    }
    n.self += w;
  }
  return root;
}

export function find(tree, path) {
  return path.reduce((n, name) => n && n.kids.get(name), tree);
}

// Weight of frames that match; what stands on a match is not counted again.
export function matching(tree, re) {
  let sum = 0;
  const todo = [...tree.kids.values()];
  while (todo.length) {
    const n = todo.pop();
    if (re.test(n.name)) sum += n.total;
    else todo.push(...n.kids.values());
  }
  return sum;
}

export const percent = (part, whole) => (100 * part / whole).toFixed(2) + "%";

// Every rectangle as the page explains it: {x, y, w, text, cls}.
export function boxes(page) {
  return page.evaluate(() => {
    const frames = document.querySelector("#frames"), details = document.querySelector("#details");
    const over = (e) => e.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
    over(frames.querySelector("rect"));
    return [...frames.querySelectorAll("rect")].map((r) => {
      over(r);
      const num = (a) => +r.getAttribute(a);
      return {x: num("x"), y: num("y"), w: num("width"), text: details.textContent,
        title: r.textContent, cls: r.getAttribute("class")};
    });
  });
}

export const elements = (page) => page.evaluate(() => document.querySelectorAll("#frames *").length);

// Clicks the middle of the frame whose title starts like this.
export async function clickFrame(page, start) {
  const b = (await boxes(page)).find((k) => k.title.startsWith(start));
  check(b, "no frame " + start);
  await page.evaluate((y) => window.scrollTo(0, y - 400), b.y);
  const top = await page.evaluate(() => window.scrollY);
  await page.mouse.click(b.x + b.w / 2, b.y - top + 7);
}

export const textOf = (page, id) => page.textContent("#" + id);

export async function main() {
  const filter = process.argv[2] ?? "";
  for (const t of tests.filter((k) => k.name.includes(filter))) {
    try {
      await t.fn();
      console.log("ok " + t.name);
    } catch (e) {
      const [why, ...trace] = String(e.stack ?? e).split("\n");
      console.log(`not ok ${t.name}: ${why}\n${trace.slice(0, 3).join("\n")}`);
    }
  }
  if (browser) await browser.close();
}
