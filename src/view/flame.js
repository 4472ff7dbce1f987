// SPDX-License-Identifier: Apache-2.0
// The flame graph's script. What is drawn at first is in the file and right without this; once that
// is on the screen (or at the first interaction) the whole tree (flame_data.c) is decoded, and from
// then on the rectangles are made here: at most LIVE elements, from a pool, for what can be seen.
(function () {
  "use strict";
  const NS = "http://www.w3.org/2000/svg", XHTML = "http://www.w3.org/1999/xhtml";
  const script = document.currentScript;
  const svg = script ? script.closest("svg") : document.documentElement;
  const alone = document.documentElement === svg; // not inlined in a page: scrolling and URL are ours
  const el = (id) => svg.querySelector("#" + id);
  const frames = el("frames"), head = el("head"), foot = el("foot"), details = el("details");
  const conf = frames.dataset;
  const PAD = +conf.pad, WIDTH = +conf.width - 2 * PAD, TOP = +conf.top, BOTTOM = +conf.bottom;
  const ROW = +conf.row, INVERTED = conf.inverted === "1", LIVE = Math.ceil(0.75 * conf.live);
  const KINDS = "ukcjivbm", TEXT_PAD = 3, TEXT_MIN = 14, MIN_PX = 0.1, GREY_MAX = 30, GREY_TEXT = 130;
  const ROWS_STATIC = 300, ROWS_ALL = 250; // in the file at most; drawn without regard to scrolling
  const HEIGHT = +svg.getAttribute("height"); // as in the file
  const NONE = -1;

  // ---- the tree: one typed array per member, frames in preorder --------------------------------

  let tree = null;

  function bytesOf() {
    const parts = [];
    let size = 0, at = 0;
    for (const m of svg.querySelectorAll("metadata.tree")) {
      const s = atob(m.textContent), b = new Uint8Array(s.length);
      for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
      parts.push(b);
      size += b.length;
      m.remove();
    }
    if (parts.length === 1) return parts[0];
    const all = new Uint8Array(size);
    for (const b of parts) {
      all.set(b, at);
      at += b.length;
    }
    return all;
  }

  function reader(bytes) {
    let at = 0;
    return {
      byte: () => bytes[at++],
      num() {
        let v = 0, m = 1, c;
        do {
          c = bytes[at++];
          v += (c & 127) * m; // not shifts: weights need more than 32 bits
          m *= 128;
        } while (c > 127);
        return v;
      },
      take(n) {
        at += n;
        return bytes.subarray(at - n, at);
      },
    };
  }

  // Names share beginnings with the one before; all are put into one text and decoded at once.
  function readNames(r, t) {
    const n = r.num();
    let text = new Uint8Array(1 << 16), used = 0, prev = 0;
    t.look = new Uint8Array(n); // kind << 4 | shade
    for (let i = 0; i < n; i++) {
      t.look[i] = r.byte();
      const same = r.num(), more = r.num();
      while (used + same + more + 1 > text.length) {
        const bigger = new Uint8Array(text.length * 2);
        bigger.set(text);
        text = bigger;
      }
      text.copyWithin(used, prev, prev + same);
      text.set(r.take(more), used + same);
      prev = used;
      used += same + more;
      text[used++] = 10;
    }
    t.names = new TextDecoder().decode(text.subarray(0, used)).split("\n");
    t.names.length = n;
  }

  function readNodes(r, t) {
    const n = t.n = r.num(), open = [];
    for (const a of ["name", "depth", "end", "parent"]) t[a] = new Int32Array(n);
    for (const a of ["start", "total", "self", "other", "nOther"]) t[a] = new Float64Array(n);
    let depth = -1;
    for (let i = 0; i < n; i++) {
      const bits = r.num(), d = depth + 1 - (bits >> 2);
      t.name[i] = r.num();
      if (bits & 1) t.self[i] = r.num();
      if (bits & 2) {
        t.other[i] = r.num();
        t.nOther[i] = r.num();
      }
      while (open.length > d) t.end[open.pop()] = i;
      t.parent[i] = d ? open[d - 1] : 0;
      open.push(i);
      t.depth[i] = depth = d;
    }
    while (open.length) t.end[open.pop()] = n;
  }

  function decode() {
    if (tree) return tree;
    const r = reader(bytesOf()), t = {};
    readNames(r, t);
    readNodes(r, t);
    for (let i = t.n; i-- > 0;) {
      t.total[i] += t.self[i] + t.other[i];
      if (i) t.total[t.parent[i]] += t.total[i];
    }
    const at = new Float64Array(t.n);
    for (let i = 1; i < t.n; i++) {
      const p = t.parent[i];
      at[i] = t.start[i] = at[p];
      at[p] += t.total[i];
    }
    tree = t;
    view.hi = t.total[0];
    return t;
  }

  // ---- numbers for people: as flame_weight() and flame_pct() print them -------------------------

  const count = (v) => String(v).replace(/\B(?=(\d{3})+$)/g, ",");
  const pct = (part, whole) => (whole ? 100 * part / whole : 0).toFixed(2) + "%";

  function duration(ns) {
    for (const [unit, factor] of [["s", 1e9], ["ms", 1e6], ["us", 1e3]]) {
      if (ns < factor) continue;
      const v = ns / factor;
      return (v >= 10000 ? v.toFixed(0) : String(+v.toPrecision(4))) + " " + unit;
    }
    return ns.toFixed(0) + " ns";
  }

  function size(bytes) {
    const units = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
    let i = 0;
    for (; bytes >= 1000 && i < 6; i++) bytes /= 1000;
    return bytes.toFixed(i && bytes < 100 ? 1 : 0) + " " + units[i];
  }

  function weight(w) {
    const scale = +conf.scale, whole = Math.floor(w / scale);
    if (conf.kind === "t") return duration(whole);
    if (conf.kind === "b") return size(whole);
    const part = w % scale ? (w % scale / scale).toFixed(6).slice(1).replace(/\.?0+$/, "") : "";
    const unit = w === scale && conf.unit === "samples" ? "sample" : conf.unit;
    return count(whole) + part + " " + unit;
  }

  // ---- the view: which frame, and which part of its width, fills the picture --------------------

  const view = {z: 0, lo: 0, hi: 0, rows: +conf.rows, height: HEIGHT};
  let hits = null;   // per name: 1 when it matches the search
  let hitsTo = null; // frames that match, before each frame; for grey blocks
  let selected = NONE;

  // Boxes of the current picture, LIVE at most.
  const box = {
    n: 0, node: new Int32Array(LIVE), last: new Int32Array(LIVE), x: new Float64Array(LIVE),
    w: new Float64Array(LIVE), start: new Float64Array(LIVE), total: new Float64Array(LIVE),
    row: new Int32Array(LIVE), type: new Uint8Array(LIVE),
  };
  const FRAME = 0, UP = 1, RUN = 2, OTHER = 3;

  function boxAdd(type, node, last, row, start, total, x, w) {
    const k = box.n++;
    box.type[k] = type;
    box.node[k] = node;
    box.last[k] = last;
    box.row[k] = row;
    box.start[k] = start;
    box.total[k] = total;
    box.x[k] = x;
    box.w[k] = w;
  }

  // Fills box with what is at least min pixels wide in rows r0..r1. False: needs too many elements.
  function collect(min, r0, r1) {
    const t = tree, z = view.z, lo = view.lo, px = WIDTH / (view.hi - lo);
    const whole = lo === t.start[z] && view.hi === lo + t.total[z]; // else a part of its callees
    let used = 0, run = null;
    box.n = 0;
    const add = (type, node, last, row, start, total) => {
      const x = type === UP ? 0 : (start - lo) * px, w = type === UP ? WIDTH : total * px;
      if (row < r0 || row > r1) return true;
      used += w >= (type < RUN ? TEXT_MIN : GREY_TEXT) ? 2 : 1;
      if (used > LIVE) return false;
      boxAdd(type, node, last, row, start, total, x, w);
      return true;
    };
    const flush = () => {
      const r = run;
      run = null;
      return !r || r.total * px < min || add(RUN, r.node, r.last, r.row, r.start, r.total);
    };
    const other = (i) => {
      const end = t.start[i] + t.total[i] - t.self[i], total = t.other[i];
      if (!t.nOther[i] || total * px < min || t.depth[i] + 1 > r1 || end > view.hi) return true;
      return add(OTHER, i, i, t.depth[i] + 1, end - total, total);
    };

    for (let i = z; ; i = t.parent[i]) {
      const type = i === z && whole ? FRAME : UP;
      if (!add(type, i, i, t.depth[i], t.start[i], t.total[i])) return false;
      if (!i) break;
    }
    if (whole && !other(z)) return false;
    for (let i = z + 1; i < t.end[z];) {
      const d = t.depth[i], start = t.start[i], total = t.total[i];
      if (d > r1 || start + total <= lo || start >= view.hi) {
        i = t.end[i];
      } else if (total * px < min) {
        const joins = run && run.row === d && run.start + run.total === start;
        if (run && (!joins || run.total * px >= GREY_MAX) && !flush()) return false;
        if (!run) run = {node: i, last: 0, row: d, start, total: 0};
        run.total += total;
        i = run.last = t.end[i];
      } else {
        if (!flush() || !add(FRAME, i, i, d, start, total) || !other(i)) return false;
        i++;
      }
    }
    return flush();
  }

  // Rows that the view needs for everything that is a pixel wide.
  function rowsOf() {
    const t = tree, min = (view.hi - view.lo) / WIDTH;
    let rows = t.depth[view.z] + 1;
    if (!zoomed() && +conf.rows < ROWS_STATIC) return +conf.rows; // as in the file
    for (let i = view.z + 1; i < t.end[view.z];) {
      const out = t.start[i] + t.total[i] <= view.lo || t.start[i] >= view.hi;
      if (out || t.total[i] < min) {
        i = t.end[i];
        continue;
      }
      if (t.depth[i] >= rows) rows = t.depth[i] + 1;
      i++;
    }
    return Math.max(rows, +conf.rows);
  }

  const rowY = (row) => INVERTED ? TOP + row * ROW : view.height - BOTTOM - (row + 1) * ROW;

  function setHeight(rows) {
    const height = TOP + rows * ROW + BOTTOM, grown = height - view.height;
    view.rows = rows;
    if (!grown) return;
    view.height = height;
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", "0 0 " + conf.width + " " + height);
    if (alone && !INVERTED) window.scrollBy(0, grown); // the root stays where it was
    stick();
  }

  // ---- drawing: two pools of elements -----------------------------------------------------------

  const rects = {el: [], n: 0, tag: "rect", g: null}, texts = {el: [], n: 0, tag: "text", g: null};
  let drawn = null; // {r0, r1}: rows for which elements exist
  let tip = null;   // the one <title>, put into what is pointed at

  function poolGet(pool, k) {
    let e = pool.el[k];
    if (!e) {
      e = pool.el[k] = document.createElementNS(NS, pool.tag);
      if (pool === rects) e.setAttribute("height", ROW - 1);
    }
    if (k >= pool.n) {
      pool.g.appendChild(e);
      pool.n = k + 1;
    }
    return e;
  }

  function poolEnd(pool, n) {
    for (let k = n; k < pool.n; k++) pool.el[k].remove();
    pool.n = n;
  }

  // Widths of letters, measured once each: a text is as wide as its letters, near enough.
  const letters = new Map();
  let ruler = null;
  function widthOf(letter) {
    let w = letters.get(letter);
    if (w !== undefined) return w;
    if (!ruler) {
      const probe = texts.g.appendChild(document.createElementNS(NS, "text"));
      const style = getComputedStyle(probe);
      ruler = document.createElementNS(XHTML, "canvas").getContext("2d");
      ruler.font = style.fontSize + " " + style.fontFamily;
      probe.remove();
    }
    w = ruler.measureText(letter).width;
    letters.set(letter, w);
    return w;
  }

  // As much of the name as fits.
  function fit(name, room) {
    const s = tree.names[name], dots = 2 * widthOf(".");
    let w = 0, cut = 0, i = 0;
    for (const letter of s) {
      w += widthOf(letter);
      if (w > room) return cut < 3 ? "" : s.slice(0, cut) + "..";
      i += letter.length;
      if (w + dots <= room) cut = i;
    }
    return s;
  }

  function classOf(k) {
    const i = box.node[k], type = box.type[k], name = tree.name[i], look = tree.look[name];
    let c = type >= RUN ? "o" : KINDS[look >> 4] + (look & 15);
    if (type === UP) c += " up";
    if (hits && type < RUN && i && hits[name]) c += " hit";
    if (hits && type === RUN && hitsTo[box.last[k]] > hitsTo[i]) c += " some";
    if (type < RUN && i === selected) c += " sel";
    return c;
  }

  function caption(k) {
    const i = box.node[k], w = box.w[k];
    if (box.type[k] < RUN) return w < TEXT_MIN ? "" : fit(tree.name[i], w - 2 * TEXT_PAD);
    return box.type[k] === OTHER && w >= GREY_TEXT ? count(tree.nOther[i]) + " frames" : "";
  }

  const round = (px) => Math.round(px * 1000) / 1000;

  // Attributes that are often the same as before: knowing is cheaper than setting.
  function change(e, name, value) {
    if (e[name + "Now"] === value) return;
    e[name + "Now"] = value;
    e.setAttribute(name, value);
  }

  function paint() {
    let n = 0;
    for (let k = 0; k < box.n; k++) {
      const r = poolGet(rects, k), y = rowY(box.row[k]);
      r.box = k;
      r.setAttribute("x", round(PAD + box.x[k]));
      r.setAttribute("width", round(box.w[k]));
      change(r, "y", y);
      change(r, "class", classOf(k));
      const s = caption(k);
      if (!s) continue;
      const t = poolGet(texts, n++);
      t.setAttribute("x", round(PAD + box.x[k] + TEXT_PAD));
      t.setAttribute("y", y + ROW * 0.72);
      t.textContent = s;
    }
    poolEnd(rects, box.n);
    poolEnd(texts, n);
  }

  // The rows that are on the screen, and as many again on both sides.
  function rowRange() {
    if (!alone || view.rows <= ROWS_ALL) return {r0: 0, r1: view.rows - 1};
    const high = window.innerHeight, top = window.scrollY - high, end = window.scrollY + 2 * high;
    const a = INVERTED ? top - TOP : view.height - BOTTOM - end;
    const b = a + 3 * high;
    return {r0: Math.max(0, Math.floor(a / ROW)), r1: Math.min(view.rows - 1, Math.ceil(b / ROW))};
  }

  function draw() {
    decode();
    if (!rects.g) takeOver();
    const r = rowRange();
    let min = MIN_PX;
    while (!collect(min, r.r0, r.r1)) min *= 1.3;
    drawn = r;
    paint();
  }

  function takeOver() {
    rects.g = document.createElementNS(NS, "g");
    texts.g = document.createElementNS(NS, "g");
    tip = document.createElementNS(NS, "title");
    frames.replaceChildren(rects.g, texts.g);
  }

  // ---- words ------------------------------------------------------------------------------------

  function label(k) {
    const t = tree, i = box.node[k];
    const share = "(" + weight(box.total[k]) + ", " + pct(box.total[k], t.total[0]) + ")";
    if (box.type[k] === RUN) return count(box.last[k] - i) + " frames too narrow to draw " + share;
    if (box.type[k] === OTHER) return count(t.nOther[i]) + " frames too small to keep " + share;
    return t.names[t.name[i]] + " " + share;
  }

  function explain(k) {
    const t = tree, i = box.node[k];
    let s = label(k);
    if (box.type[k] < RUN && t.self[i]) s += ", " + weight(t.self[i]) + " in itself";
    if (view.z && box.type[k] !== UP && (box.type[k] >= RUN || i !== view.z)) {
      s += ", " + pct(box.total[k], t.total[view.z]) + " of the zoomed frame";
    }
    if (box.type[k] === RUN) s += ": click to spread them out";
    return s;
  }

  const say = (s) => { details.textContent = s || " "; };
  const show = (e, on) => { e.classList.toggle("hide", !on); };

  // ---- zoom -------------------------------------------------------------------------------------

  function look(z, lo, hi) {
    const t = decode();
    view.z = z;
    view.lo = lo === undefined ? t.start[z] : lo;
    view.hi = hi === undefined ? t.start[z] + t.total[z] : hi;
    setHeight(rowsOf());
    show(el("unzoom"), zoomed());
    draw();
    matched();
  }

  const zoomed = () => view.z !== 0 || (tree && view.hi - view.lo < tree.total[0]);

  function zoom(z, lo, hi) {
    look(z, lo, hi);
    remember(true);
  }

  function clicked(k) {
    const i = box.node[k];
    if (box.type[k] === RUN) zoom(tree.parent[i], box.start[k], box.start[k] + box.total[k]);
    else if (box.type[k] !== OTHER) zoom(i);
  }

  // ---- search -----------------------------------------------------------------------------------

  const find = {text: "", ignoreCase: false, input: null, timer: 0};

  function search(text) {
    let re = null;
    find.text = text;
    try {
      re = text ? new RegExp(text, find.ignoreCase ? "i" : "") : null;
    } catch (e) {
      say("not a regular expression: " + text);
    }
    if (!re && !hits && !rects.g) return;
    const t = decode();
    hits = hitsTo = null;
    if (re) {
      hits = new Uint8Array(t.names.length);
      for (let i = 0; i < hits.length; i++) hits[i] = re.test(t.names[i]) ? 1 : 0;
      hitsTo = new Int32Array(t.n + 1);
      for (let i = 0; i < t.n; i++) hitsTo[i + 1] = hitsTo[i] + (i ? hits[t.name[i]] : 0);
    }
    el("search").textContent = text ? "Reset Search" : "Search";
    el("search").classList.toggle("on", !!text);
    draw();
    matched();
  }

  // The weight of matching frames within the view; what stands on a match is in it already.
  function matchedWeight() {
    const t = tree, end = t.end[view.z];
    let sum = 0;
    for (let i = view.z; i < end;) {
      const inside = i === view.z || (t.start[i] >= view.lo && t.start[i] < view.hi);
      if (!inside || (i && hits[t.name[i]])) {
        if (inside) sum += Math.min(t.total[i], view.hi - view.lo);
        i = t.end[i];
      } else {
        i++;
      }
    }
    return sum;
  }

  function matched() {
    const m = el("matched");
    if (!hits) {
      m.textContent = " ";
      return;
    }
    // frames that are not in the file cannot be searched: then it is a lower bound
    const share = pct(matchedWeight(), view.hi - view.lo);
    m.textContent = "Matched: " + (+conf.left ? "\u2265 " : "") + share;
  }

  function openSearch() {
    if (find.input) {
      find.input.focus();
      return;
    }
    const fo = document.createElementNS(NS, "foreignObject");
    const input = document.createElementNS(XHTML, "input");
    fo.setAttribute("x", +conf.width - PAD - 340);
    fo.setAttribute("y", 8);
    fo.setAttribute("width", 310);
    fo.setAttribute("height", 30);
    input.setAttribute("id", "box");
    input.setAttribute("placeholder", "search: text or regular expression");
    input.setAttribute("aria-label", "search frames by regular expression");
    input.value = find.text;
    fo.appendChild(input);
    head.appendChild(fo);
    show(el("search"), false);
    find.input = input;
    input.addEventListener("input", () => {
      clearTimeout(find.timer);
      find.timer = setTimeout(() => searchNow(input.value), 60);
    });
    input.focus();
    input.select();
  }

  function searchNow(text) {
    clearTimeout(find.timer);
    search(text);
    remember(false);
  }

  function closeSearch() {
    const fo = find.input.parentNode;
    find.input = null;
    fo.remove();
    show(el("search"), true);
  }

  function toggleCase() {
    find.ignoreCase = !find.ignoreCase;
    el("ic").classList.toggle("on", find.ignoreCase);
    if (find.text) searchNow(find.text);
    else remember(false);
  }

  // ---- the state is in the URL: #z=path&r=from-to&s=search&ic=1 ---------------------------------

  let known = "";

  function pathOf(z) {
    const t = tree, names = [];
    for (let i = z; i; i = t.parent[i]) names.push(encodeURIComponent(t.names[t.name[i]]));
    return names.reverse().join(";");
  }

  function remember(push) {
    const parts = [], t = tree;
    if (!alone) return;
    if (t && zoomed()) {
      const path = pathOf(view.z), whole = view.hi - view.lo === t.total[view.z];
      if (path.length > 2000) parts.push("n=" + view.z);
      else if (path) parts.push("z=" + path);
      if (!whole) parts.push("r=" + (view.lo - t.start[view.z]) + "-" + (view.hi - t.start[view.z]));
    }
    if (find.text) parts.push("s=" + encodeURIComponent(find.text));
    if (find.ignoreCase) parts.push("ic=1");
    known = parts.length ? "#" + parts.join("&") : "";
    if (push) {
      location.hash = known;
      return;
    }
    try {
      history.replaceState(null, "", known || "#");
    } catch (e) {
      location.replace(known || "#");
    }
  }

  function walk(path) {
    const t = decode();
    let at = 0;
    for (const part of path.split(";")) {
      const name = decodeURIComponent(part);
      let i = at + 1;
      while (i < t.end[at] && t.names[t.name[i]] !== name) i = t.end[i];
      if (i >= t.end[at]) break; // as far as this file has it
      at = i;
    }
    return at;
  }

  function params(text) {
    const p = {};
    for (const part of text.slice(1).split("&")) {
      const eq = part.indexOf("=");
      if (eq > 0) p[part.slice(0, eq)] = part.slice(eq + 1);
    }
    return p;
  }

  function restore() {
    const p = params(location.hash.length > 1 ? location.hash : location.search);

    try {
      const text = p.s ? decodeURIComponent(p.s) : "";
      known = location.hash;
      find.ignoreCase = p.ic === "1";
      el("ic").classList.toggle("on", find.ignoreCase);
      if (p.z || p.n || p.r) {
        const t = decode(), z = p.z ? walk(p.z) : Math.min(Math.max(+p.n || 0, 0), t.n - 1);
        const range = /^(\d+)-(\d+)$/.exec(p.r || "");
        if (range && +range[1] < +range[2] && +range[2] <= t.total[z]) {
          look(z, t.start[z] + +range[1], t.start[z] + +range[2]);
        } else {
          look(z);
        }
      } else if (zoomed()) {
        look(0);
      }
      if (text !== find.text) search(text);
    } catch (e) {
      say("the address has a state that cannot be read");
    }
  }

  // ---- keyboard ---------------------------------------------------------------------------------

  function select(k) {
    const y = rowY(box.row[k]);
    selected = box.node[k];
    if (alone && y < window.scrollY + TOP) window.scrollTo(window.scrollX, y - TOP - 4 * ROW);
    else if (alone && y > window.scrollY + window.innerHeight - BOTTOM - ROW) {
      window.scrollTo(window.scrollX, y - window.innerHeight + BOTTOM + 5 * ROW);
    }
    scrolled();
    paint();
    const now = boxOf(selected);
    if (now !== NONE) say(explain(now));
  }

  function boxOf(node) {
    for (let k = 0; k < box.n; k++) if (box.type[k] < RUN && box.node[k] === node) return k;
    return NONE;
  }

  // The best box by a rule that gives a score, or NONE for what does not qualify.
  function best(score) {
    let found = NONE, top = -Infinity;
    for (let k = 0; k < box.n; k++) {
      if (box.type[k] >= RUN) continue;
      const s = score(k);
      if (s !== null && s > top) {
        top = s;
        found = k;
      }
    }
    return found;
  }

  // Where an arrow key leads from box k: along the row, to the caller, or to the widest callee.
  function neighbour(k, key) {
    const t = tree, i = box.node[k], sameRow = (o) => box.row[o] === box.row[k];
    if (key === "ArrowLeft") return best((o) => sameRow(o) && box.x[o] < box.x[k] ? box.x[o] : null);
    if (key === "ArrowRight") return best((o) => sameRow(o) && box.x[o] > box.x[k] ? -box.x[o] : null);
    if (key === (INVERTED ? "ArrowUp" : "ArrowDown")) return i ? boxOf(t.parent[i]) : NONE;
    return best((o) => box.node[o] && t.parent[box.node[o]] === i ? box.w[o] : null);
  }

  function move(key) {
    if (!rects.g) draw();
    const now = selected === NONE ? NONE : boxOf(selected);
    const to = now === NONE ? boxOf(view.z) : neighbour(now, key);
    if (to !== NONE) select(to);
  }

  function escape() {
    if (zoomed()) zoom(0);
    else if (find.text) searchNow("");
    else {
      selected = NONE;
      if (rects.g) paint();
      say("");
    }
  }

  function inBox(e) {
    if (e.key === "Enter") {
      searchNow(find.input.value);
      closeSearch();
    } else if (e.key === "Escape") {
      searchNow("");
      closeSearch();
    } else {
      return;
    }
    e.preventDefault();
    e.stopPropagation();
  }

  function keyDown(e) {
    const ctrl = e.ctrlKey || e.metaKey;
    if (ctrl && e.key === "i") toggleCase();
    else if (e.target === find.input && find.input && !(ctrl && e.key === "f")) return inBox(e);
    else if ((ctrl && e.key === "f") || e.key === "F3" || (e.key === "/" && !ctrl)) openSearch();
    else if (ctrl || e.altKey) return;
    else if (e.key.startsWith("Arrow")) move(e.key);
    else if (e.key === "Enter" && selected !== NONE) zoom(selected);
    else if (e.key === "Escape") escape();
    else return;
    e.preventDefault();
  }

  // ---- mouse, scrolling, start ------------------------------------------------------------------

  // Title and details stay on the screen when the picture is taller than it.
  function stick() {
    if (!alone) return;
    const down = Math.min(view.height - window.innerHeight, window.scrollY);
    const up = Math.max(0, view.height - window.innerHeight - window.scrollY);
    head.setAttribute("transform", "translate(0," + Math.max(0, down) + ")");
    foot.setAttribute("transform", "translate(0," + (view.height - HEIGHT - up) + ")");
  }

  function scrolled() {
    stick();
    if (!drawn || !alone || view.rows <= ROWS_ALL) return;
    const shown = rowRange(), margin = Math.floor(window.innerHeight / ROW / 2);
    const low = drawn.r0 > 0 && shown.r0 + margin < drawn.r0;
    if (low || (drawn.r1 < view.rows - 1 && shown.r1 - margin > drawn.r1)) draw();
  }

  function hover(e) {
    const r = e.target.closest ? e.target.closest("rect") : null;
    if (!r || r.parentNode !== rects.g || r.box === undefined) return;
    tip.textContent = label(r.box);
    r.appendChild(tip);
    say(explain(r.box));
  }

  // The first time: find the same place in our own elements.
  function boxAt(e) {
    if (!rects.g) draw();
    if (e.target.box !== undefined) return e.target.box;
    const under = document.elementFromPoint(e.clientX, e.clientY);
    return under && under.box !== undefined && under.parentNode === rects.g ? under.box : NONE;
  }

  function start() {
    for (const id of ["search", "ic"]) show(el(id), true);
    el("search").addEventListener("click", () => (find.text ? searchNow("") : openSearch()));
    el("ic").addEventListener("click", toggleCase);
    el("unzoom").addEventListener("click", () => zoom(0));
    frames.addEventListener("click", (e) => {
      const k = boxAt(e);
      if (k !== NONE) clicked(k);
    });
    frames.addEventListener("pointerover", (e) => {
      if (!rects.g) draw();
      hover(e);
    });
    frames.addEventListener("pointerleave", () => say(""));
    (alone ? window : svg).addEventListener("keydown", keyDown);
    window.addEventListener("scroll", () => requestAnimationFrame(scrolled), {passive: true});
    window.addEventListener("resize", scrolled);
    if (alone) {
      window.addEventListener("hashchange", () => { if (location.hash !== known) restore(); });
    }
  }

  const later = (fn) => (window.requestIdleCallback ? window.requestIdleCallback(fn) : setTimeout(fn, 20));

  function ready() {
    if (+conf.rows >= ROWS_STATIC) {
      if (el("deep")) el("deep").remove();
      look(0);
    }
    if (alone) restore();
    if (alone && !INVERTED) window.scrollTo(0, view.height); // where the root is
    scrolled();
    // when nothing else is to be done, so that the first zoom is quick
    later(() => {
      decode();
      later(() => { if (!rects.g) draw(); });
    });
  }

  start();
  if (document.readyState === "complete") ready();
  else window.addEventListener("load", ready);
})();
