// SPDX-License-Identifier: Apache-2.0
// The flame graph in a real browser, against the truth computed from the same folded text.
import {spawnSync} from "node:child_process";
import {existsSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {boxes, check, clickFrame, dir, elements, equal, find, flame, main, manyStacks, matching, near,
  percent, spoor, test, textOf, treeOf, withPage} from "./lib.mjs";

const LIVE = 4000, WIDTH = 1180, PAD = 10;
const SMALL = "sh;main;parse;lex 20\nsh;main;parse 5\nsh;main;run;exec;parse 15\nsh;main;run;Exec 10\n" +
  "sh;main;run_[k];vfs_read_[k] 30\ncc;main 20\n";
const MANY = manyStacks(6000, 1), BIG = manyStacks(40000, 2), HUGE = manyStacks(60000, 2);
const manyTree = treeOf(MANY);
const ready = (page) => page.waitForFunction(() => !document.querySelector("metadata.tree"));

function svgOf(name, folded, ...args) {
  const r = flame(name, folded, ...args);
  equal(r.status, 0, "spoor flame: " + r.stderr);
  return r;
}

const nextRow = (a, b) => Math.abs(a.y - b.y) === 16;

// A frame, and all frames of a row below it, have the places that the weights demand.
function checkPlaces(found, tree, z) {
  const root = found.find((b) => b.title.startsWith(z.name + " ("));
  near(root.w, WIDTH, 0.01, "zoomed frame's width");
  for (const kid of z.kids.values()) {
    const w = WIDTH * kid.total / z.total;
    const b = found.filter((k) => k.title.startsWith(kid.name + " (") && nextRow(k, root));
    if (w < 3) continue;
    equal(b.length, 1, "frames " + kid.name);
    near(b[0].w, w, 0.01, "width of " + kid.name);
    check(b[0].title.includes(`, ${percent(kid.total, tree.total)})`), "share of " + b[0].title);
  }
  const above = found.filter((k) => k.y === root.y - 16).sort((a, b) => a.x - b.x);
  for (let i = 1; i < above.length; i++) {
    check(above[i].x >= above[i - 1].x + above[i - 1].w - 0.01, "frames overlap");
  }
  check(above.reduce((s, k) => s + k.w, 0) <= WIDTH + 0.01, "children are wider than their parent");
}

// The widest frame under px pixels that has several callees, and the way to it.
function narrow(tree, px) {
  let best = {z: {total: 0}};
  const todo = [{z: tree, path: []}];
  while (todo.length) {
    const {z, path} = todo.pop();
    const fits = z.total * WIDTH / tree.total < px;
    if (fits && z.kids.size > 2 && z.total > best.z.total) best = {z, path};
    if (!fits) for (const k of z.kids.values()) todo.push({z: k, path: [...path, k.name]});
  }
  return best;
}

const widest = (n) => [...n.kids.values()].sort((a, b) => b.total - a.total)[0];
const titled = (n) => `${n.name} (${n.total.toLocaleString("en-US")} samples`;

test("flame: opens from a file, silent, with few elements", async () => {
  const {url} = svgOf("huge", HUGE);
  await withPage(url, {}, async (page) => {
    check(await elements(page) <= LIVE, "live elements in the file");
    check(await elements(page) > LIVE / 8, "the picture is not empty");
    await boxes(page);
    check(await elements(page) <= LIVE + 10, "live elements drawn by the script");
  });
});

test("flame: without scripts it is a right picture", async () => {
  const {url} = svgOf("small", SMALL, "--title", "A <b>title</b>");
  await withPage(url, {javaScriptEnabled: false}, async (page) => {
    const rects = await page.locator("#frames rect").all();
    const want = {"all (100 samples, 100.00%)": [10, 1180], "cc (20 samples, 20.00%)": [10, 236],
      "sh (80 samples, 80.00%)": [246, 944], "vfs_read (30 samples, 30.00%)": [836, 354]};
    let seen = 0;
    for (const r of rects) {
      const t = await r.locator("title").textContent();
      if (!want[t]) continue;
      seen++;
      near(+await r.getAttribute("x"), want[t][0], 0.01, "x of " + t);
      near(+await r.getAttribute("width"), want[t][1], 0.01, "width of " + t);
    }
    equal(seen, 4, "frames found");
    equal(await textOf(page, "title"), "A <b>title</b>", "title");
    check(await page.locator("#frames text", {hasText: /^vfs_read$/}).count() === 1, "name in its box");
    check(!await page.locator("#search").isVisible(), "controls are hidden");
  });
});

test("flame: script and file draw the same picture", async () => {
  const {url} = svgOf("small", SMALL);
  let still, live;
  await withPage(url, {javaScriptEnabled: false}, async (page) => {
    still = await page.evaluate(() => [...document.querySelectorAll("#frames rect")].map((r) => {
      const num = (a) => (+r.getAttribute(a)).toFixed(1);
      return [r.textContent, num("x"), num("y"), num("width"), r.getAttribute("class")].join();
    }));
  });
  await withPage(url, {}, async (page) => {
    live = (await boxes(page)).map((b) => [b.title, b.x.toFixed(1), b.y.toFixed(1), b.w.toFixed(1), b.cls].join());
  });
  equal(live.sort().join("\n"), still.sort().join("\n"), "frames");
});

test("flame: zoom shows what was too small, at exact places; reset goes back", async () => {
  const {url} = svgOf("big", BIG), tree = treeOf(BIG);
  await withPage(url, {}, async (page) => {
    await ready(page);
    const before = new Set((await boxes(page)).map((b) => b.title));
    checkPlaces(await boxes(page), tree, tree);
    const {z, path} = narrow(tree, 0.5);
    await page.goto(url + "#z=" + path.map(encodeURIComponent).join(";"));
    await ready(page);
    const after = await boxes(page);
    checkPlaces(after, tree, z);
    check(after.some((b) => !before.has(b.title)), "zoom shows frames that were not drawn before");
    check(await elements(page) <= LIVE + 10, "live elements");
    await page.click("#unzoom");
    checkPlaces(await boxes(page), tree, tree);
    equal(new URL(page.url()).hash, "", "state in the URL after reset");
    check(!await page.locator("#unzoom").isVisible(), "reset is hidden again");
  });
});

test("flame: frames that are not in the file are a grey block of their weight", async () => {
  const {url} = svgOf("huge", HUGE), tree = treeOf(HUGE), {z, path} = narrow(tree, 0.3);
  await withPage(url + "#z=" + path.map(encodeURIComponent).join(";"), {}, async (page) => {
    const found = await boxes(page), root = found.find((b) => b.title.startsWith(titled(z)));
    const row = found.filter((b) => b.y === root.y - 16);
    const rest = row.filter((b) => b.title.includes("too small to keep"));
    const width = row.reduce((s, b) => s + b.w, 0);
    near(width, WIDTH * (z.total - z.self) / z.total, 0.1, "widths of all callees");
    check(rest.length === 1 && rest[0].cls === "o", "one grey block");
  });
});

test("flame: a click zooms, a faded ancestor zooms out, back and forward work", async () => {
  const {url} = svgOf("many", MANY);
  await withPage(url, {}, async (page) => {
    await clickFrame(page, "main (");
    const kid = widest(find(manyTree, ["app", "main"]));
    await clickFrame(page, titled(kid));
    equal(decodeURIComponent(new URL(page.url()).hash), `#z=app;main;${kid.name}`, "path in the URL");
    checkPlaces(await boxes(page), manyTree, kid);
    check((await boxes(page)).filter((b) => b.cls.includes(" up")).length === 3, "three faded ancestors");
    await clickFrame(page, "app (");
    equal(new URL(page.url()).hash, "#z=app", "zoomed out to app");
    await page.goBack();
    checkPlaces(await boxes(page), manyTree, kid);
    await page.goForward();
    equal(new URL(page.url()).hash, "#z=app", "forward again");
  });
});

test("flame: a grey block can be spread out", async () => {
  const wide = Array.from({length: 30000}, (_, i) => `app;main;f${i};g 1`).join("\n") + "\n";
  const {url} = svgOf("wide", wide);
  await withPage(url, {}, async (page) => {
    const grey = (await boxes(page)).filter((b) => b.cls === "o");
    check(grey.length > 0, "there are grey blocks");
    check(/^[\d,]+ frames too narrow to draw \(/.test(grey[0].title), grey[0].title);
    let n = 0;
    while (n++ < 4) {
      const b = (await boxes(page)).filter((k) => k.cls === "o").sort((a, c) => c.w - a.w)[0];
      if (!b) break;
      await page.mouse.click(b.x + b.w / 2, b.y + 7);
      check(new URL(page.url()).hash.includes("r="), "range in the URL");
    }
    check(await elements(page) <= LIVE + 10, "live elements");
  });
});

test("flame: search percentages are exact and count nested matches once", async () => {
  const {url} = svgOf("many", MANY), small = svgOf("small", SMALL);
  await withPage(url, {}, async (page) => {
    for (const text of ["fn_1", "fn_1.*7$", "main|fn_3", "^fn_(2|3|4)\\d$", "nothing", "app"]) {
      await page.keyboard.press("/");
      await page.fill("#box", text);
      await page.keyboard.press("Enter");
      const want = percent(matching(manyTree, new RegExp(text)), manyTree.total);
      equal(await textOf(page, "matched"), "Matched: " + want, text);
    }
  });
  await withPage(small.url, {}, async (page) => {
    await page.keyboard.press("Control+f");
    await page.keyboard.type("exec");
    await page.keyboard.press("Enter");
    equal(await textOf(page, "matched"), "Matched: 15.00%", "exec");
    equal((await boxes(page)).filter((b) => b.cls.includes("hit")).length, 1, "highlighted");
    await page.keyboard.press("Control+i");
    equal(await textOf(page, "matched"), "Matched: 25.00%", "exec, any case");
    equal(new URL(page.url()).hash, "#s=exec&ic=1", "state in the URL");
    await page.click("#search");
    equal((await textOf(page, "matched")).trim(), "", "cleared");
    equal((await boxes(page)).filter((b) => b.cls.includes("hit")).length, 0, "nothing highlighted");
  });
});

test("flame: a bad regular expression is said, not thrown", async () => {
  const {url} = svgOf("small", SMALL);
  await withPage(url, {}, async (page) => {
    await page.keyboard.press("/");
    await page.fill("#box", "(");
    await page.keyboard.press("Enter");
    equal(await textOf(page, "details"), "not a regular expression: (", "details");
  });
});

test("flame: state in the URL is restored, nonsense in it does no harm", async () => {
  const {url} = svgOf("many", MANY);
  const kid = widest(find(manyTree, ["app", "main"]));
  await withPage(url + `#z=app;main;${kid.name}&s=fn_1&ic=1`, {}, async (page) => {
    checkPlaces(await boxes(page), manyTree, kid);
    const sub = matching({kids: kid.kids}, /fn_1/i), all = /fn_1/i.test(kid.name) ? kid.total : sub;
    equal(await textOf(page, "matched"), "Matched: " + percent(all, kid.total), "matched in the view");
    check(await page.locator("#ic.on").count() === 1, "ignore case is on");
  });
  for (const bad of ["#z=%", "#z=app;gone;more", "#n=99999999", "#n=-4", "#n=x", "#r=9-3", "#s=%E0%A4%A",
    "#&&=&z", "#z=app&r=0-99999999999"]) {
    await withPage(url + bad, {}, async (page) => check((await boxes(page)).length > 10, bad));
  }
});

test("flame: keyboard walks and zooms", async () => {
  const {url} = svgOf("small", SMALL);
  await withPage(url, {}, async (page) => {
    const press = async (...keys) => { for (const k of keys) await page.keyboard.press(k); };
    await press("ArrowUp");
    const at = async (start, what) => {
      const said = await textOf(page, "details");
      check(said.startsWith(start), what + ": " + said);
    };
    await at("all (", "first the root");
    await press("ArrowUp", "ArrowUp", "ArrowUp");
    await at("run (30", "the widest callee");
    await press("ArrowLeft");
    await at("run (25", "its neighbour");
    await press("ArrowRight", "ArrowDown");
    await at("main (80", "the caller");
    await press("Enter");
    equal(new URL(page.url()).hash, "#z=sh;main", "zoomed");
    await press("Escape");
    equal(new URL(page.url()).hash, "", "back");
  });
});

test("flame: hostile names stay text", async () => {
  const img = "<img src=x onerror=window.pwned=1>";
  const names = [img, "</script><script>window.pwned=1</script>", "]]><script>window.pwned=1</script>",
    "\"'&amp<title>", "x\u2028window.pwned=1", "</text></svg>", "${window.pwned=1}",
    "javascript:window.pwned=1", "'+(window.pwned=1)+'", "%s%n%d"];
  const nasty = names.map((n) => `${img};${n};b\x01\x1b[31m\x7f 10\n`).join("");
  for (const extra of [[], ["--title", names[2], "--subtitle", names[1]]]) {
    const {url, svg} = svgOf("nasty", nasty, ...extra);
    equal(spawnSync("xmllint", ["--noout", svg], {encoding: "utf8"}).stderr, "", "xmllint");
    await withPage(url, {}, async (page) => {
      const found = await boxes(page);
      for (const n of names) {
        const want = n.replace("\u2028", "\ufffd");
        check(found.some((b) => b.title.startsWith(want + " (")), "shown as it is: " + n);
      }
      await clickFrame(page, names[1] + " (");
      await page.keyboard.press("/");
      await page.fill("#box", "<script>|]]>");
      await page.keyboard.press("Enter");
      await page.reload();
      await boxes(page);
      equal(await page.evaluate(() => window.pwned), undefined, "script from a name ran");
    });
  }
});

test("flame: bytes that are not UTF-8 are shown as U+FFFD", async () => {
  const {url, svg} = svgOf("bytes", Buffer.from([0x61, 0x3b, 0xff, 0xc0, 0x80, 0x62, 0x20, 0x33, 0x0a]));
  equal(spawnSync("xmllint", ["--noout", svg], {encoding: "utf8"}).stderr, "", "xmllint");
  await withPage(url, {}, async (page) => {
    check((await boxes(page)).some((b) => /^\ufffd+b \(3 samples/.test(b.title)), "name");
  });
});

test("flame: a stack of 10,000 frames can be scrolled through", async () => {
  const deep = Array.from({length: 10000}, (_, i) => "f" + i).join(";");
  const {url} = svgOf("deep", deep + " 3\n" + deep.slice(0, 200) + " 1\n");
  await withPage(url, {}, async (page) => {
    await page.waitForFunction(() => document.documentElement.getAttribute("height") > 160000);
    const shown = async () => new Set((await boxes(page)).map((b) => b.title.split(" ")[0]));
    check((await shown()).has("f0"), "the root's end is on the screen at first");
    check(!(await shown()).has("f9999"), "the leaf's end is not drawn yet");
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.waitForTimeout(200);
    check((await shown()).has("f9999"), "the leaf's end is drawn when scrolled to");
    check(await elements(page) <= LIVE + 10, "live elements");
  });
  await withPage(url, {javaScriptEnabled: false}, async (page) => {
    check(/first 300 of 10,?001 levels/.test(await textOf(page, "deep")), await textOf(page, "deep"));
  });
});

test("flame: inverted puts the root on top", async () => {
  const {url} = svgOf("icicle", SMALL, "--inverted");
  await withPage(url, {}, async (page) => {
    const found = await boxes(page), y = (n) => found.find((b) => b.title.startsWith(n + " (")).y;
    check(y("all") < y("sh") && y("sh") < y("parse"), "rows grow downwards");
  });
});

test("flame: dark where the reader wants it dark", async () => {
  const {url} = svgOf("small", SMALL);
  const fill = (page, id) => page.evaluate((k) => getComputedStyle(document.querySelector(k)).fill, id);
  const light = (rgb) => rgb.match(/\d+/g).slice(0, 3).reduce((s, v) => s + +v, 0) / 3;
  await withPage(url, {colorScheme: "dark"}, async (page) => {
    check(light(await fill(page, "#back")) < 60 && light(await fill(page, "#title")) > 180, "dark");
  });
  await withPage(url, {colorScheme: "light"}, async (page) => {
    check(light(await fill(page, "#back")) > 200 && light(await fill(page, "#title")) < 80, "light");
  });
});

test("flame: kernel frames look different, equal names look equal", async () => {
  const {url} = svgOf("small", SMALL);
  await withPage(url, {}, async (page) => {
    const found = await boxes(page);
    const cls = (n) => new Set(found.filter((b) => b.title.startsWith(n + " (")).map((b) => b.cls));
    check([...cls("vfs_read")][0].startsWith("k"), "kernel");
    equal(cls("parse").size, 1, "classes of parse");
    equal(cls("main").size, 1, "classes of main");
    equal(cls("run").size, 2, "a kernel and a user function of one name are two");
  });
});

test("flame: an empty profile gives a picture that says so, and status 2", async () => {
  const r = flame("empty", "a;b 0\n");
  equal(r.status, 2, "status");
  check(/no samples/.test(r.stderr), "stderr: " + r.stderr);
  await withPage(r.url, {}, async (page) => {
    check(/^no samples: /.test(await page.textContent(".empty")), "the picture says so");
  });
});

test("flame: what cannot be read leaves a picture on a pipe, and no file", async () => {
  for (const input of ["", "\x00\x01<script>\xff", "no stacks here\n"]) {
    const to = join(dir, "pipe.svg"), r = spoor(["flame", "-"], input);
    equal(r.status, 2, "status");
    check(r.stderr.startsWith("spoor: flame: "), "stderr: " + r.stderr);
    writeFileSync(to, r.stdout);
    await withPage("file://" + to, {}, async (page) => {
      check(/^no samples: /.test(await page.textContent(".empty")), "the picture says so");
    });
    equal(spoor(["flame", "-o", join(dir, "none.svg"), "-"], input).status, 2, "status with -o");
    check(!existsSync(join(dir, "none.svg")), "no file is left");
  }
});

await main();
