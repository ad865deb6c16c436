// The page of a queue, or of the whole hotline: now, the day against its forecast, the windows, and the calls behind a number.

import { Crew } from "/static/agents.js";
import { CallList } from "/static/calls.js";
import { DayChart } from "/static/daychart.js";
import { el, figure, mark, outside, phrase, put } from "/static/dom.js";
import { clock, count, NONE, percent, rating, seconds, span, tableSpan, target, versusText } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { apiAddress, Poll } from "/static/poll.js";
import { QueueList } from "/static/queuelist.js";
import { csvLink, Table } from "/static/table.js";
import { Timeline } from "/static/timeline.js";
import { levelIn, WINDOWS } from "/static/windows.js";
import { nameOf } from "/static/words.js";
import { DETAIL } from "/static/words_detail.js";

const DAY_MS = 10_000;
const LAST_WEEK_MS = 60_000;
const ESTIMATE_MS = 10_000;
const percentage = (value) => (value === null || value === undefined ? NONE : `${percent(value)}%`);
const COLUMNS = {
  offered: count,
  answered: count,
  answered_in_threshold: count,
  abandoned: count,
  callback_taken: count,
  service_level: percentage,
  abandonment_rate: percentage,
  asa: (value, lang) => tableSpan(seconds(value), lang),
  queue_time_p90: tableSpan,
  aht: (value, lang) => tableSpan(seconds(value), lang),
  occupancy: percentage,
  rating_mean: rating,
  completeness: percentage,
};
const ONE_COLUMN = matchMedia("screen and (width < 1200px)");
// made of agents' time, of the order of all waits or of heartbeats: no single call adds to it
const UNTRACED = new Set(["occupancy", "queue_time_p90", "completeness"]);
const NOW = ["waiting", "oldest", "in_service", "blocked", "estimated"];
const CHIPS = [["waiting", null], ["waiting_over_threshold", null], ["in_service", null], ["abandoned", "15m"]];

export function metricName(metric, threshold, words) {
  const name = words.metrics[metric] ?? metric;
  return typeof name === "function" ? name(threshold) : name;
}

class NumberLink {
  constructor(metric, window, open, classes = "number-link") {
    this.node = el("button", classes);
    this.node.type = "button";
    this.node.dataset.metric = metric;
    this.node.dataset.in = window ?? "";
    this.node.addEventListener("click", () => open(this.node.dataset.metric, window));
  }

  update(text, label, chosen) {
    put(this.node, text);
    this.node.disabled = text === NONE;
    mark(this.node, "aria-label", label);
    mark(this.node, "aria-pressed", chosen ? "true" : "false");
  }
}

export class QueuePage {
  /** `go(place)` moves, `act(what, item)` acknowledges or silences, `definition()` is the service level chosen. */
  constructor(go, act, definition) {
    Object.assign(this, { go, act, definition, at: null, board: null });
    this.hero();
    this.chart = new DayChart();
    this.poll = new Poll(DAY_MS, (day, problem) => this.chart.take(day, problem));
    this.lastWeek = new Poll(LAST_WEEK_MS, (answer) => {
      this.week = answer?.figures ?? null;
      this.chart.beside(answer);
      this.render();
    });
    this.estimate = new Poll(ESTIMATE_MS, (answer) => {
      this.wait = answer;
      this.render();
    });
    this.windows();
    this.list = new CallList((offset) => this.ask(offset), (call) => this.go({ ...this.at, call }, true));
    this.timeline = new Timeline(() => this.go({ ...this.at, call: null }, true));
    this.queues = new QueueList((queue) => this.go({ queue }));
    this.chips = CHIPS.map(([metric, window]) => new NumberLink(metric, window, (...where) => this.choose(...where), "chip"));
    this.list.chips.append(...this.chips.map((chip) => chip.node));
    this.node = el(
      "div",
      "queue-page",
      this.heroNode,
      el("div", "queue-left", this.chart.node, this.windowsNode),
      el("div", "queue-right panel", this.queues.node, this.list.node, this.timeline.node),
    );
  }

  hero() {
    this.icon = el("span", "tile-icon");
    this.name = el("h2", "detail-name");
    this.name.tabIndex = -1;
    this.badge = el("span", "badge");
    this.reason = el("p", "hero-reason");
    this.acknowledge = el("button", "key");
    this.silence = el("button", "key");
    this.acknowledge.dataset.hint = "A";
    this.silence.dataset.hint = "S";
    this.acknowledge.addEventListener("click", () => this.act("acknowledge", this.item));
    this.silence.addEventListener("click", () => this.act("silence", this.item));
    this.runbook = outside("key");
    this.actions = el("p", "hero-actions", this.acknowledge, this.silence, this.runbook);
    this.cells = Object.fromEntries(
      NOW.map((name) => {
        const cell = { label: el("span", "label"), value: figure("total"), sub: el("span", "sub") };
        cell.node = el("div", `total-cell hero-${name}`, el("div", "total-text", cell.label, cell.value, cell.sub));
        return [name, cell];
      }),
    );
    this.crew = new Crew();
    this.card = el("div", "hero-card", el("div", "hero-head", this.icon, this.name, this.badge), this.reason, this.actions);
    this.heroNode = el("section", "hero panel", this.card, ...Object.values(this.cells).map((cell) => cell.node), this.crew.node);
  }

  windows() {
    this.title = el("h3", "");
    this.sub = el("span", "sub");
    this.csv = csvLink();
    this.figures = new Table("figures", ["", ...Object.keys(COLUMNS).map(() => "")]);
    this.rows = WINDOWS.map((window) => this.row(window));
    this.weekHead = Object.assign(el("th", ""), { scope: "row" });
    this.weekCells = Object.keys(COLUMNS).map((metric) => el("td", `col-${metric}`));
    this.figures.show([...this.rows.map((row) => row.node), el("tr", "last-week", this.weekHead, ...this.weekCells)]);
    this.windowsNode = el("section", "panel detail-windows", el("div", "section-head", this.title, this.sub, this.csv), this.figures.node);
  }

  row(window) {
    const head = Object.assign(el("th", ""), { scope: "row" });
    const cells = Object.keys(COLUMNS).map((metric) => {
      const link = UNTRACED.has(metric) ? null : new NumberLink(metric, window, (...where) => this.choose(...where));
      return { metric, link, node: el("td", `col-${metric}`, ...(link ? [link.node] : [])) };
    });
    return { window, head, cells, node: el("tr", "", head, ...cells.map((cell) => cell.node)) };
  }

  open(place) {
    const asked = { queue: place.queue, metric: place.metric ?? (place.queue ? "waiting" : null), window: place.window, call: place.call };
    const [was, is] = [this.at, asked];
    this.at = asked;
    if (was?.queue !== is.queue) {
      this.chart.clear();
      Object.assign(this, { week: null, wait: null });
    }
    const same = was && was.queue === is.queue && was.metric === is.metric && was.window === is.window;
    if (!is.metric) this.list.clear();
    else if (!same && this.board) this.ask(0);
    else if (!same) this.pending = true;
    if (is.call !== was?.call) this.timeline.clear();
  }

  close() {
    this.poll.stop();
    this.lastWeek.stop();
    this.estimate.stop();
    this.timeline.clear();
    this.list.clear();
    this.at = null;
  }

  choose(metric, window) {
    this.go({ queue: this.at.queue, metric, window }, true);
    if (ONE_COLUMN.matches) this.list.node.scrollIntoView(); // below the windows it would open unseen
  }

  data() {
    return this.at.queue ? this.board.tiles[this.at.queue] : this.board.totals;
  }

  render() {
    if (this.board && this.at) this.update(this.board, this.lang, this.words);
  }

  update(board, lang, words) {
    Object.assign(this, { board, lang, words, own: DETAIL[lang] });
    if (!this.at) return;
    const data = this.data();
    const x = data?.threshold_s ?? board.head.threshold_s;
    const down = board.head.sources.down_since !== null || data?.state === "feed_down";
    const name = this.at.queue ? nameOf(data?.name, this.at.queue, lang) : this.own.whole;
    this.head(data, name, x, down);
    this.now(data, x, down);
    this.poll.at(this.address("day"));
    this.lastWeek.at(this.address("last_week"));
    if (this.at.queue) this.estimate.at(this.address("estimated_wait"));
    else this.estimate.stop();
    this.chart.translate(lang, words, this.own, board.head.status === "first_run", this.address("day", { format: "csv" }));
    this.table(data, x);
    this.before();
    this.right(data, x, down, name);
    if (this.pending) {
      this.pending = false;
      this.ask(0);
    }
  }

  head(data, name, x, down) {
    const { board, lang, words, own } = this;
    const state = this.at.queue ? (data?.state ?? "no_calls") : null;
    put(this.name, name);
    if (this.state !== state) this.icon.replaceChildren(...(state ? [stateIcon(state)] : []));
    this.state = state;
    mark(this.heroNode, "data-state", state ?? "whole");
    put(this.badge, state ? words.badge[state](data?.minutes, words.behind(data?.behind_s ?? 0), data?.owner) : "");
    const level = percent(down || !data ? null : levelIn(data, "15m", this.definition()));
    const compared = versusText(data?.versus ?? data?.today_versus ?? null);
    put(this.reason, level === NONE ? own.noLevel : own.reason(level, x, target(data.target), compared && data?.versus ? words.demand(compared) : ""));
    this.item = board.alerts.newest.find((item) => item.alert && item.queue === this.at.queue && !item.category) ?? null;
    const acts = board.head.actions && this.item;
    this.actions.hidden = !acts && !this.item?.runbook;
    put(this.acknowledge, words.acknowledge);
    put(this.silence, words.silence);
    this.acknowledge.hidden = !acts || Boolean(this.item.owner);
    this.silence.hidden = !acts || Boolean(this.item.silenced_until);
    this.runbook.hidden = !this.item?.runbook;
    put(this.runbook, words.runbook);
    mark(this.runbook, "href", this.item?.runbook ?? null);
    mark(this.runbook, "aria-label", words.newTab(words.runbook));
  }

  now(data, x, down) {
    const { board, lang, words, own } = this;
    const known = down ? null : data;
    const since = known?.oldest_s === null || known?.oldest_s === undefined ? null : board.head.data_as_of - known.oldest_s * 1000;
    const blocked = data?.windows?.["15m"]?.blocked;
    const parts = {
      waiting: [own.metrics.waiting, count(known?.waiting, lang), known ? words.past(count(known.over, lang), x) : []],
      oldest: [words.oldestTotal, span(known?.oldest_s), since === null ? [] : [words.since(clock(since, board.head.zone, true))]],
      in_service: [own.metrics.in_service, count(known?.in_service, lang), known?.agents?.hold ? own.onHold(count(known.agents.hold, lang)) : [words.inServiceSub]],
      blocked: [own.metrics.blocked, this.at.queue ? count(data?.today, lang) : count(blocked, lang), [words.windowLast["15m"]]],
    };
    const guess = down ? null : this.wait;
    parts.estimated = [own.estimated, span(seconds(guess?.estimated_wait_s)), guess?.mean_error_s === null || !guess ? [own.estimatedSub] : own.meanError(span(seconds(guess.mean_error_s)))];
    this.cells.estimated.node.hidden = !this.at.queue;
    if (this.at.queue) parts.blocked = [words.callsToday, count(data?.today, lang), data?.today_versus ? words.versusTotal(versusText(data.today_versus)) : []];
    for (const [name, [label, value, sub]] of Object.entries(parts)) {
      const cell = this.cells[name];
      put(cell.label, label);
      const wan = value.endsWith("万");
      cell.value.set(wan ? value.slice(0, -1) : value, wan ? "万" : "");
      cell.value.classList.toggle("long", value.length > 5);
      cell.value.classList.toggle("huge", value.length > 7);
      phrase(cell.sub, value === NONE ? [NONE] : sub);
    }
    this.crew.update(data?.agents ?? null, !down, board.totals, lang, words);
  }

  table(data, x) {
    const { words, own, lang } = this;
    const definition = this.definition();
    put(this.title, own.windows);
    put(this.sub, own.windowsSub(words.definitions[definition].name, x));
    this.csv.tell(own.csvOf(own.windows), this.address("rolling", { format: "csv" }));
    this.figures.name(own.windows, [own.window, ...Object.keys(COLUMNS).map((metric) => metricName(metric, x, own))]);
    for (const { window, head, cells } of this.rows) {
      put(head, words.windowName[window]);
      const figures = data?.windows?.[window];
      for (const { metric, link, node } of cells) {
        const real = metric === "service_level" ? definition : metric;
        const value = figures?.[real];
        const text = figures ? (COLUMNS[metric] ?? count)(value, lang) : NONE;
        const missed = metric === "service_level" && value !== null && value !== undefined && data.target !== null && value < data.target;
        node.classList.toggle("missed", missed);
        if (!link) {
          put(node, text);
          continue;
        }
        link.node.dataset.metric = real;
        link.update(text, own.open(metricName(metric, x, own), words.windowLast[window], text), this.at.metric === real && this.at.window === window);
      }
    }
    for (const row of this.figures.body.children) this.figures.label(row);
  }

  /** The same hours of the same weekday, a week ago; no calls are listed of them. */
  before() {
    const { own, lang } = this;
    put(this.weekHead, own.lastWeek);
    mark(this.weekHead, "title", own.lastWeekLong);
    Object.keys(COLUMNS).forEach((metric, i) => {
      const value = this.week?.[metric === "service_level" ? this.definition() : metric];
      put(this.weekCells[i], this.week ? (COLUMNS[metric] ?? count)(value, lang) : NONE);
    });
  }

  right(data, x, down, name) {
    const { board, lang, words, own } = this;
    const values = { waiting: down ? null : data?.waiting, waiting_over_threshold: down ? null : data?.over, in_service: down ? null : data?.in_service, abandoned: data?.windows?.["15m"]?.abandoned };
    for (const chip of this.chips) {
      const { metric } = chip.node.dataset;
      const window = chip.node.dataset.in || null;
      const label = window ? `${metricName(metric, x, own)} ${words.windowName[window]}` : metricName(metric, x, own);
      const value = count(values[metric], lang);
      chip.update(`${label} ${value}`, own.open(metricName(metric, x, own), window ? words.windowLast[window] : own.now, value), this.at.metric === metric && (this.at.window ?? null) === window);
      chip.node.disabled = value === NONE;
    }
    this.queues.node.hidden = Boolean(this.at.metric);
    if (!this.at.metric) this.queues.update(board, lang, words, own);
    this.list.translate(this.heading(x), this.at.queue === "", this.at.call, board.tiles, lang, own);
    this.timeline.node.hidden = !this.at.call;
    if (this.at.call) this.timeline.show(apiAddress("call", { hotline: board.head.hotline, feed: board.head.feed, call: this.at.call }), board, lang, own);
    mark(this.node, "data-call", this.at.call ? "yes" : "no");
    mark(this.node, "data-list", !this.at.queue && this.at.metric ? "first" : "beside");
    mark(this.node.parentElement ?? this.node, "aria-label", name);
  }

  heading(x) {
    const { metric, window } = this.at;
    if (!metric) return "";
    const word = this.words.definitions[metric]?.name ?? metricName(metric, x, this.own);
    return `${word} · ${window ? (this.words.windowLast[window] ?? window) : this.own.now}`;
  }

  address(what, more = {}) {
    const feed = ["day", "last_week", "estimated_wait"].includes(what) ? null : this.board.head.feed;
    return apiAddress(what, { hotline: this.board.head.hotline, feed, queue: this.at.queue, ...more });
  }

  ask(offset) {
    const { metric, window } = this.at;
    this.list.load((more) => this.address("calls", { metric, window, ...more }), offset);
  }
}

