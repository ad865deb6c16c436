// Small charts: bars over the forecast band, and the line of the day. Drawn whole when their data changes.

import { mark, put, svg } from "/static/dom.js";

const BAR_WIDTH = 0.62;
const TOP_AT_LEAST = 5;

/** The band as one stepped outline over runs of cells that have a forecast. `x`, `y` scale cell and value. */
export function bandPath(lower, upper, x, y) {
  const runs = [];
  let start = null;
  for (let i = 0; i <= upper.length; i += 1) {
    if (i < upper.length && upper[i] !== null) start ??= i;
    else if (start !== null) {
      runs.push([start, i]);
      start = null;
    }
  }
  return runs
    .map(([from, to]) => {
      const above = [];
      const below = [];
      for (let i = from; i < to; i += 1) {
        above.push(`${x(i)} ${y(upper[i])}`, `${x(i + 1)} ${y(upper[i])}`);
        below.unshift(`${x(i + 1)} ${y(lower[i])}`, `${x(i)} ${y(lower[i])}`);
      }
      return `M${above.join("L")}L${below.join("L")}Z`;
    })
    .join("");
}

/** The same for values at the middle of each cell, as a smooth enough polyline for many cells. */
export function linePath(values, x, y) {
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    if (value === null) open = false;
    else {
      path += `${open ? "L" : "M"}${x(i + 0.5)} ${y(value)}`;
      open = true;
    }
  });
  return path;
}

const known = (values) => values.filter((value) => value !== null);
const round = (value) => Math.round(value * 100) / 100;

/** The trend of a tile: 24 cells of 5 minutes, the last one running (hollow). */
export class Spark {
  constructor() {
    this.node = svg("svg", { class: "spark", viewBox: "0 0 240 52", preserveAspectRatio: "none", role: "img" });
    this.data = null;
  }

  /** `down`: since when nothing is known (ms), null while it is. */
  draw(data, label, down = null) {
    mark(this.node, "aria-label", label);
    if (data === this.data && down === this.down) return;
    this.data = data;
    this.down = down;
    const height = 52;
    const cells = data.offered.length;
    const top = Math.max(TOP_AT_LEAST, ...known(data.offered), ...known(data.upper)) * 1.03;
    const x = (i) => round((i * 240) / cells);
    const y = (value) => round(height - (value / top) * height);
    const parts = [svg("path", { class: "band", d: bandPath(data.lower, data.upper, x, y) })];
    const missing = data.offered.findIndex((value) => value !== null);
    const absent = missing < 0 ? cells : missing;
    if (absent > 0 && absent < cells) parts.push(svg("rect", { class: "missing", x: 0, y: 0, width: x(absent), height }));
    const blind = down === null ? cells : Math.max(0, Math.floor((down - data.start) / 1000 / data.step_s));
    if (blind < cells) parts.push(svg("rect", { class: "missing", x: x(blind), y: 0, width: 240 - x(blind), height }));
    data.offered.forEach((value, i) => {
      if (!value || i > blind) return;
      const bar = { x: x(i + (1 - BAR_WIDTH) / 2), width: x(BAR_WIDTH) };
      const limit = data.upper[i];
      if (i === cells - 1) {
        parts.push(svg("rect", { class: "running", ...bar, y: y(value), height: height - y(value) }));
        return;
      }
      const inside = limit === null ? value : Math.min(value, limit);
      parts.push(svg("rect", { class: "bar", ...bar, y: y(inside), height: round(height - y(inside)) }));
      if (inside < value) parts.push(svg("rect", { class: "over", ...bar, y: y(value), height: round(y(inside) - y(value)) }));
    });
    parts.push(svg("path", { class: "base", d: `M0 ${height - 0.5}H240` }));
    this.node.replaceChildren(...parts);
  }
}

/** The day so far against the forecast of the whole day, in cells of a quarter of an hour. */
export class DayLine {
  constructor() {
    this.svg = svg("svg", { viewBox: "0 0 960 100", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.dot = document.createElement("i");
    this.dot.className = "day-dot";
    this.plot = document.createElement("div");
    this.plot.className = "day-plot";
    this.note = document.createElement("span");
    this.note.className = "day-note";
    this.plot.append(this.svg, this.dot);
    this.axis = document.createElement("div");
    this.axis.className = "day-axis";
    this.node = document.createElement("div");
    this.node.className = "day";
    this.node.setAttribute("role", "img");
    this.node.append(this.note, this.plot, this.axis);
  }

  draw(data, asOf, label, note) {
    mark(this.node, "aria-label", label);
    put(this.note, note.short);
    mark(this.note, "title", note.long);
    const cells = data.offered.length;
    const top = Math.max(TOP_AT_LEAST, ...known(data.offered), ...known(data.upper)) * 1.04;
    const x = (i) => round((i * 960) / cells);
    const y = (value) => round(98 - (value / top) * 96);
    const now = asOf === null ? null : Math.min(1, (asOf - data.start) / (data.end - data.start));
    const done = now === null ? 0 : Math.floor(now * cells);
    const values = data.offered.map((value, i) => (i < done ? value : null));
    const at = (ms) => round(((Math.min(Math.max(ms, data.start), data.end) - data.start) / (data.end - data.start)) * 960);
    const parts = [
      ...data.events.map((event) => svg("rect", { class: "planned", x: at(event.begin), y: 0, width: at(event.end) - at(event.begin), height: 98 })),
      svg("path", { class: "band", d: bandPath(data.lower, data.upper, x, y) }),
      svg("path", { class: "median", d: linePath(data.expected, x, y) }),
    ];
    const first = data.offered.findIndex((value) => value !== null);
    const absent = first < 0 ? done : Math.min(first, done);
    if (absent > 0 && first >= 0) parts.push(svg("rect", { class: "missing", x: 0, y: 60, width: x(absent), height: 38 }));
    parts.push(svg("path", { class: "line", d: linePath(values, x, y) }), svg("path", { class: "base", d: "M0 99H960" }));
    if (now !== null) parts.push(svg("path", { class: "now", d: `M${round(now * 960)} 0V99` }));
    this.svg.replaceChildren(...parts);
    const last = done > 0 ? values[done - 1] : null;
    this.dot.hidden = last === null;
    if (last !== null) {
      this.dot.style.left = `${(x(done - 0.5) / 960) * 100}%`;
      this.dot.style.top = `${y(last)}%`;
    }
    if (!this.axis.childElementCount) {
      for (const hour of [0, 6, 12, 18, 24]) {
        const node = document.createElement("span");
        node.textContent = String(hour);
        node.style.left = `${(hour / 24) * 100}%`;
        this.axis.append(node);
      }
    }
  }
}
