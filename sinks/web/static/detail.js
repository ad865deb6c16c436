// A queue (or the whole hotline) in full: its windows, and from any number the calls that made it.

import { goTo, shownDetail } from "/static/address.js";
import { CallList } from "/static/calls.js";
import { el, mark, put } from "/static/dom.js";
import { count, NONE, percent, rating, seconds, span } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { WINDOWS } from "/static/windows.js";
import { nameOf } from "/static/words.js";
import { DETAIL } from "/static/words_detail.js";

const NOW = ["waiting", "waiting_over_threshold", "in_service"];
const percentage = (value) => (value === null || value === undefined ? NONE : `${percent(value)}%`);
const COLUMNS = {
  offered: count,
  answered: count,
  answered_in_threshold: count,
  abandoned: count,
  callback_taken: count,
  service_level_event: percentage,
  abandonment_rate: percentage,
  asa: (value) => span(seconds(value)),
  queue_time_p90: (value) => span(value),
  aht: (value) => span(seconds(value)),
  occupancy: percentage,
  rating_mean: rating,
};
// made of agents' time, or of the order of all waits: no single call adds to it
const UNTRACED = new Set(["occupancy", "queue_time_p90"]);

/** How a metric is written. */
export function written(metric, value, lang) {
  return (COLUMNS[metric] ?? count)(value, lang);
}

export function metricName(metric, threshold, words) {
  const name = words.metrics[metric] ?? metric;
  return typeof name === "function" ? name(threshold) : name;
}

class NumberLink {
  constructor(metric, window, open) {
    this.node = el("button", "number-link");
    this.node.type = "button";
    this.node.dataset.metric = metric;
    this.node.dataset.in = window ?? "";
    this.node.addEventListener("click", () => open(metric, window));
  }

  update(text, label, chosen) {
    put(this.node, text);
    this.node.disabled = text === NONE;
    mark(this.node, "aria-label", label);
    mark(this.node, "aria-pressed", chosen ? "true" : "false");
  }
}

export class Detail {
  constructor(dialog) {
    this.dialog = dialog;
    this.icon = el("span", "tile-icon");
    this.name = el("h2", "detail-name");
    this.badge = el("span", "badge");
    this.close = el("button", "key detail-close");
    this.close.type = "button";
    this.close.addEventListener("click", () => this.leave());
    this.now = NOW.map((metric) => ({ metric, label: el("span", "label"), link: new NumberLink(metric, null, (...at) => this.choose(...at)) }));
    this.title = el("h3", "");
    this.sub = el("span", "sub");
    this.csv = el("a", "key csv");
    this.csv.download = "";
    this.heads = Object.keys(COLUMNS).map(() => el("th", ""));
    this.heads.forEach((head) => (head.scope = "col"));
    this.corner = el("th", "");
    this.corner.scope = "col";
    this.rows = WINDOWS.map((window) => this.row(window));
    const table = el("table", "figures", el("thead", "", el("tr", "", this.corner, ...this.heads)), el("tbody", "", ...this.rows.map((row) => row.node)));
    const scroll = el("div", "scroll", table);
    scroll.tabIndex = 0;
    this.scroll = scroll;
    this.list = new CallList((page) => this.ask(page));
    dialog.append(
      el("header", "detail-head", this.icon, this.name, this.badge, this.close),
      el("section", "detail-now", ...this.now.map(({ label, link }) => el("p", "now-cell", label, link.node))),
      el("section", "detail-windows", el("div", "section-head", this.title, this.sub, this.csv), scroll),
      this.list.node,
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave();
    });
    addEventListener("popstate", () => this.sync());
    this.at = null;
    this.board = null;
  }

  row(window) {
    const head = el("th", "");
    head.scope = "row";
    const cells = Object.keys(COLUMNS).map((metric) => {
      const link = UNTRACED.has(metric) ? null : new NumberLink(metric, window, (...at) => this.choose(...at));
      return { metric, link, node: el("td", "", ...(link ? [link.node] : [])) };
    });
    return { window, head, cells, node: el("tr", "", head, ...cells.map((cell) => cell.node)) };
  }

  /** Open what the address names; close where it names nothing. */
  sync() {
    const before = this.at;
    this.at = shownDetail();
    if (!this.at) {
      if (this.dialog.open) this.dialog.close();
      this.list.clear();
      if (before) document.querySelector(`.tile[data-queue="${CSS.escape(before.queue)}"] .tile-link`)?.focus();
      return;
    }
    this.render();
    if (!this.dialog.open) this.dialog.showModal();
    if (this.at.metric) this.ask(0);
    else this.list.clear();
  }

  open(queue) {
    goTo({ queue, metric: "waiting" });
    this.sync();
  }

  leave() {
    goTo(null);
    this.sync();
  }

  choose(metric, window) {
    goTo({ queue: this.at.queue, metric, window }, this.at.metric !== null);
    this.sync();
  }

  update(board, lang, words) {
    const first = this.board === null;
    Object.assign(this, { board, lang, words, own: DETAIL[lang] });
    if (first) this.sync();
    else if (this.at) this.render();
  }

  data() {
    return this.at.queue ? this.board.tiles[this.at.queue] : this.board.totals;
  }

  render() {
    const { board, lang, words, own } = this;
    const data = this.data();
    const name = this.at.queue ? nameOf(data?.name, this.at.queue, lang) : own.whole;
    mark(this.dialog, "aria-label", name);
    put(this.name, name);
    put(this.close, own.close);
    const state = this.at.queue ? data?.state ?? "no_calls" : null;
    if (this.state !== state) this.icon.replaceChildren(...(state ? [stateIcon(state)] : []));
    this.state = state;
    mark(this.dialog, "data-state", state);
    put(this.badge, state ? words.states[state] : "");
    const x = data?.threshold_s ?? board.head.threshold_s;
    // where nothing is heard the figures of now are not known: a dash, never the last value
    const down = board.head.sources.down_since !== null;
    const value = down ? {} : { waiting: data?.waiting, waiting_over_threshold: data?.over, in_service: data?.in_service };
    for (const { metric, label, link } of this.now) {
      const text = count(value[metric], lang);
      put(label, metricName(metric, x, own));
      link.update(text, own.open(metricName(metric, x, own), own.now, text), this.at.metric === metric);
    }
    put(this.title, own.windows);
    put(this.sub, own.windowsSub);
    put(this.csv, own.csv);
    mark(this.csv, "aria-label", own.csvOf(own.windows));
    mark(this.csv, "href", this.address("rolling", { format: "csv" }));
    mark(this.scroll, "aria-label", own.windows);
    mark(this.scroll, "role", "region");
    put(this.corner, own.window);
    Object.keys(COLUMNS).forEach((metric, i) => put(this.heads[i], metricName(metric, x, own)));
    for (const { window, head, cells } of this.rows) {
      put(head, words.windowName[window]);
      const figures = data?.windows?.[window];
      for (const { metric, link, node } of cells) {
        const text = figures ? written(metric, figures[metric], lang) : NONE;
        if (!link) put(node, text);
        else link.update(text, own.open(metricName(metric, x, own), words.windowLast[window], text), this.at.metric === metric && this.at.window === window);
      }
    }
    this.list.translate(this.heading(x), this.at.queue === "", lang, own);
  }

  heading(x) {
    const { metric, window } = this.at;
    if (!metric) return "";
    return `${metricName(metric, x, this.own)} · ${window ? this.words.windowLast[window] ?? window : this.own.now}`;
  }

  address(what, more) {
    const asked = new URLSearchParams({ hotline: this.board.head.hotline, feed: this.board.head.feed });
    if (this.at.queue) asked.set("queue", this.at.queue);
    for (const [name, value] of Object.entries(more)) if (value !== null) asked.set(name, value);
    return `/api/v1/${what}?${asked}`;
  }

  ask(offset) {
    const { metric, window } = this.at;
    this.list.load((more) => this.address("calls", { metric, window, ...more }), offset);
  }
}
