// Demand and service level of a day on one time axis: the forecast as a band, what came as bars, the promise below.

import { bandPath, linePath } from "/static/charts.js";
import { el, mark, put, svg } from "/static/dom.js";
import { clock, count, isolated, target } from "/static/format.js";
import { csvLink } from "/static/table.js";
import { EVENTS } from "/static/words_events.js";

const WIDTH = 1200;
const PLOT = 240; // height of the bars
const GAP = 60; // room for the name of what is below
const LEVEL = 84; // height of the service level
const HEIGHT = PLOT + GAP + LEVEL;
const HOUR = 3_600_000;
const SPAN = 8 * HOUR;
const TOP_AT_LEAST = 5;
const BAR_WIDTH = 0.64;
const FLAG_PX = 110;
const round = (value) => Math.round(value * 100) / 100;

/** A step of the axis that gives two or three lines: 1, 2, 5, 10, 20, 50 … */
function stepOf(top) {
  const rough = top / 2.4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [5, 2, 1].map((times) => times * power).find((step) => step <= rough) ?? power;
}

export class DayChart {
  constructor() {
    this.title = el("h3", "");
    this.sub = el("span", "sub");
    this.keys = ["actual", "above", "band", "week"].map((name) => el("span", `chart-key key-${name}`, el("i", ""), el("span", "")));
    this.svg = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.marks = el("div", "chart-marks");
    this.plot = el("div", "chart-plot", this.svg, this.marks);
    this.plot.setAttribute("role", "img");
    this.axis = el("div", "chart-axis");
    this.axis.setAttribute("aria-hidden", "true");
    this.marks.setAttribute("aria-hidden", "true");
    this.problem = el("p", "chart-problem");
    this.csv = csvLink();
    this.node = el("section", "panel chart", el("div", "section-head", this.title, this.sub, el("span", "chart-keys", ...this.keys), this.csv), this.plot, this.axis, this.problem);
    this.day = null;
    this.week = null;
  }

  /** The same day a week ago, per quarter of an hour (null: not known). */
  beside(week) {
    this.week = week;
    this.render();
  }

  take(day, problem) {
    this.problemText = problem;
    if (day) this.day = day;
    this.render();
  }

  clear() {
    this.day = null;
    this.week = null;
    this.svg.replaceChildren();
    this.marks.replaceChildren();
  }

  /** `none`: no call has ever come. */
  translate(lang, words, own, none, address) {
    Object.assign(this, { lang, words, own, none });
    this.csv.tell(own.chartCsv, address);
    this.render();
  }

  render() {
    const { own, day } = this;
    if (!own) return;
    put(this.problem, this.problemText ?? "");
    put(this.title, own.chartTitle);
    this.keys.forEach((key, i) => put(key.lastChild, own.chartKeys[i]));
    if (!day) {
      put(this.sub, "");
      return;
    }
    const now = day.data_as_of ?? day.start;
    const hour = day.start + Math.floor((now - day.start) / HOUR) * HOUR;
    this.from = Math.max(day.start, Math.min(hour - 4 * HOUR, day.end - SPAN));
    this.to = Math.min(day.end, this.from + SPAN);
    put(this.sub, this.none ? own.noneYet : own.chartSub(clock(this.to, day.time_zone)));
    this.draw(day.data_as_of === null ? null : now);
  }

  draw(now) {
    const { day, from, to, own, lang } = this;
    const step = day.step_s * 1000;
    const first = (from - day.start) / step;
    const cells = (to - from) / step;
    const cut = (values) => values.slice(first, first + cells);
    const [offered, lower, upper, expected, met, judged, targets] = ["offered", "lower", "upper", "expected", "met", "judged", "targets"].map((name) => cut(day[name]));
    const before = this.before(from, to, step);
    const top = Math.max(TOP_AT_LEAST, ...offered.map(Number), ...upper.map(Number), ...before.map(({ value }) => value)) * 1.12;
    const x = (i) => round((i * WIDTH) / cells);
    const y = (value) => round(PLOT - (value / top) * PLOT);
    const at = (ms) => ((ms - from) / (to - from)) * WIDTH;
    const running = Math.floor((now - from) / step);
    const parts = [];
    for (let value = stepOf(top); value < top; value += stepOf(top)) parts.push(svg("path", { class: "grid", d: `M0 ${y(value)}H${WIDTH}` }));
    const planned = day.events.filter((event) => event.begin < to && event.end > from);
    for (const event of planned) {
      const [begin, end] = [Math.max(event.begin, from), Math.min(event.end, to)];
      parts.push(svg("rect", { class: "planned", x: round(at(begin)), y: 0, width: round(at(end) - at(begin)), height: PLOT }));
    }
    parts.push(svg("path", { class: "band", d: bandPath(lower, upper, x, y) }), svg("path", { class: "median", d: linePath(expected, x, y) }));
    offered.forEach((value, i) => {
      if (value === null && i < running) parts.push(svg("rect", { class: "missing", x: x(i), y: 0, width: x(1), height: PLOT }));
      if (!value) return;
      const bar = { x: x(i + (1 - BAR_WIDTH) / 2), width: x(BAR_WIDTH) };
      if (i === running) {
        parts.push(svg("rect", { class: "running", ...bar, y: y(value), height: round(PLOT - y(value)) }));
        return;
      }
      const inside = upper[i] === null ? value : Math.min(value, upper[i]);
      parts.push(svg("rect", { class: "bar", ...bar, y: y(inside), height: round(PLOT - y(inside)) }));
      if (inside < value) parts.push(svg("rect", { class: "over", ...bar, y: y(value), height: round(y(inside) - y(value)) }));
    });
    const stairs = before.map(({ start, end, value }, i) => `${i && before[i - 1].end === start ? "L" : "M"}${round(at(start))} ${y(value)}H${round(at(end))}`);
    if (stairs.length) parts.push(svg("path", { class: "last-week", d: stairs.join("") }));
    parts.push(svg("path", { class: "base", d: `M0 ${PLOT}H${WIDTH}` }));
    parts.push(...this.level(met, judged, targets, x));
    const flags = day.alerts.filter((alert) => alert.since >= from && alert.since < to);
    for (const flag of flags) parts.push(svg("path", { class: `flag flag-${flag.severity}`, d: `M${round(at(flag.since))} 0V${HEIGHT}` }));
    if (now >= from && now <= to) parts.push(svg("path", { class: "now", d: `M${round(at(now))} 0V${HEIGHT}` }));
    this.svg.replaceChildren(...parts);
    this.label(now, top, y, flags, planned);
    const last = offered[running] ?? this.words.noValue;
    const sum = count(offered.reduce((total, value) => total + (value ?? 0), 0), lang);
    const said = this.none ? own.noneYet : own.chartLabel(clock(from, day.time_zone), clock(to, day.time_zone), last, sum);
    mark(this.plot, "aria-label", said + (planned.length ? EVENTS[lang].during(planned.map((event) => isolated(event.name)).join(this.words.separator)) : ""));
  }

  /** What came a week ago in the quarters of the span, as the mean of a cell. */
  before(from, to, cell) {
    const { week } = this;
    if (!week || week.start !== this.day.start) return [];
    const step = week.step_s * 1000;
    const quarters = week.offered.map((number, i) => ({ start: week.start + i * step, end: week.start + (i + 1) * step, value: number === null ? null : (number * cell) / step }));
    return quarters.filter(({ start, end, value }) => value !== null && start >= from && end <= to);
  }

  /** The service level as steps, 0 to 100 %, filled where it is under its target; null: nothing is promised then. */
  level(met, judged, targets, x) {
    const bottom = PLOT + GAP + LEVEL;
    const y = (share) => round(bottom - share * LEVEL);
    const parts = [];
    let line = "";
    judged.forEach((of, i) => {
      if (!of) {
        line += "·";
        return;
      }
      const share = met[i] / of;
      const goal = targets[i] === null ? null : y(targets[i]);
      if (goal !== null && share < targets[i]) parts.push(svg("rect", { class: "under", x: x(i), y: goal, width: x(1), height: round(y(share) - goal) }));
      line += `${line === "" || line.endsWith("·") ? "M" : "L"}${x(i)} ${y(share)}H${x(i + 1)}`;
    });
    const goals = targets.map((value, i) => (value === null ? "" : `${value === targets[i - 1] ? "" : `M${x(i)} ${y(value)}`}H${x(i + 1)}`));
    parts.push(svg("path", { class: "level-line", d: line.replaceAll("·", "") }), svg("path", { class: "goal", d: goals.join("") }));
    return parts;
  }

  /** Texts over the plot, in the page's own type. */
  label(now, top, y, flags, planned) {
    const { day, from, to, own } = this;
    const left = (ms) => `${(((ms - from) / (to - from)) * 100).toFixed(2)}%`;
    const down = (value) => `${((value / HEIGHT) * 100).toFixed(2)}%`;
    const text = (classes, words, place) => {
      const node = el("span", classes, words);
      Object.assign(node.style, place);
      return node;
    };
    const marks = [];
    for (let value = stepOf(top); value < top; value += stepOf(top)) marks.push(text("mark-grid", count(value, this.lang), { top: down(y(value)) }));
    const { mark: named } = EVENTS[this.lang];
    planned.forEach((event) => marks.push(text("mark-planned", named(isolated(event.name), event.lift), { left: left(Math.max(event.begin, from)) })));
    marks.push(text("mark-level", own.levelIn(day.threshold_s), { top: down(PLOT + GAP * 0.3) }));
    if (day.target !== null) marks.push(text("mark-goal", this.words.target(target(day.target)), { top: down(PLOT + GAP + LEVEL * (1 - day.target)) }));
    if (now >= from && now <= to) {
      marks.push(text("mark-now", own.nowAt(clock(now, day.time_zone)), { left: left(now) }));
    }
    const room = Math.max(HOUR / 2, ((to - from) * FLAG_PX) / (this.plot.clientWidth || Infinity)); // that one needs for its words
    const apart = flags.filter((flag, i) => flags.every((other, j) => j === i || other.since > flag.since || flag.since - other.since > room || (other.since === flag.since && j > i)));
    apart.forEach((flag) => marks.push(text(`mark-flag flag-${flag.severity}`, own.alertAt(clock(flag.since, day.time_zone)), { left: left(flag.since) })));
    this.marks.replaceChildren(...marks);
    const hours = [];
    for (let at = from; at <= to; at += HOUR) hours.push(text("", clock(at, day.time_zone) === "00:00" && at === day.end ? "24:00" : clock(at, day.time_zone), { left: left(at) }));
    this.axis.replaceChildren(...hours);
  }
}
