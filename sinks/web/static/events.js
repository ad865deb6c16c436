// Announced events: what is known to come, what is on, what has been; entered, changed and taken back here.

import { el, mark, put } from "/static/dom.js";
import { moment } from "/static/format.js";
import { apiAddress, Poll } from "/static/poll.js";
import { EVENTS } from "/static/words_events.js";
import { PAGES } from "/static/words_pages.js";

const EVERY_MS = 5_000;
const COLUMNS = ["on", "name", "where", "begin", "end", "lift", "author", "deeds"];
const ORDER = { now: 0, coming: 1, past: 2 };

export class EventPage {
  /** `form`: what announces and changes. */
  constructor(form) {
    this.form = form;
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.sub = el("span", "sub");
    this.problem = el("span", "chart-problem");
    this.add = Object.assign(el("button", "key act-do"), { type: "button" });
    this.add.addEventListener("click", () => this.form.open("add", null, this.board, this.lang));
    this.csv = Object.assign(el("a", "key csv"), { download: "", href: apiAddress("events", { format: "csv" }) });
    this.none = el("p", "sub");
    this.heads = COLUMNS.map((column) => (column === "deeds" ? el("td", "") : Object.assign(el("th", ""), { scope: "col" })));
    this.body = el("tbody", "");
    this.scroll = el("div", "scroll", el("table", "figures ended events", el("thead", "", el("tr", "", ...this.heads)), this.body));
    this.scroll.tabIndex = 0;
    this.scroll.setAttribute("role", "region");
    this.node = el("div", "event-page", el("section", "panel", el("div", "section-head", this.title, this.sub, this.problem, el("span", "event-keys", this.add, this.csv)), this.none, this.scroll));
    this.poll = new Poll(EVERY_MS, (answer, problem) => {
      if (answer) this.answer = answer;
      this.asking = problem;
      this.render();
    });
  }

  open() {}

  close() {
    this.poll.stop();
  }

  update(board, lang, words) {
    const changed = this.lang !== lang || this.announced !== board.head.announced;
    Object.assign(this, { board, lang, words, announced: board.head.announced, own: EVENTS[lang] });
    Object.assign(this.form, { skew: board.head.now - Date.now() });
    if (changed) this.poll.stop(); // somebody has announced something: do not wait for the next round
    this.poll.at(apiAddress("events"));
    if (changed) this.render();
  }

  render() {
    const { own, board, lang, answer } = this;
    if (!own) return;
    put(this.title, own.title);
    put(this.sub, own.sub);
    put(this.problem, this.asking ?? "");
    put(this.add, own.add);
    this.add.hidden = !board.head.judges;
    put(this.csv, "CSV");
    mark(this.csv, "aria-label", PAGES[lang].csvOf(own.title));
    mark(this.scroll, "aria-label", own.title);
    COLUMNS.forEach((column, i) => put(this.heads[i], own.heads[column]));
    if (!answer) return;
    put(this.none, answer.events.length ? "" : own.none);
    this.scroll.hidden = answer.events.length === 0;
    Object.assign(this.form, { board, lang, own }); // it writes places and lines in the words of the page
    const focus = this.node.contains(document.activeElement) ? document.activeElement.dataset.deed : null;
    const sorted = [...answer.events].sort((a, b) => ORDER[a.on] - ORDER[b.on] || (a.on === "past" ? b.end - a.end : a.begin - b.begin));
    this.body.replaceChildren(...sorted.map((event) => this.row(event)));
    if (focus) this.node.querySelector(`[data-deed="${CSS.escape(focus)}"]`)?.focus();
  }

  row(event) {
    const { own, board, lang, form } = this;
    const at = (ms) => moment(ms, board.head.now, event.time_zone, lang);
    const deeds = el("td", "");
    if (board.head.judges && event.changes) {
      const kinds = ["change", ...(event.on === "now" ? ["end"] : []), "remove"];
      deeds.append(el("span", "strip-actions", ...kinds.map((kind) => this.button(kind, event))));
    }
    const cells = [form.where(event.hotline, event.queue), at(event.begin), at(event.end), own.lift(event.lift), event.revision ? event.author : own.ofFile(event.author)];
    const row = el("tr", "", el("td", "event-on", own.on[event.on]), Object.assign(el("th", "", event.name), { scope: "row", title: event.name }), ...cells.map((text) => el("td", "", text)), deeds);
    row.dataset.on = event.on;
    return row;
  }

  button(kind, event) {
    const button = Object.assign(el("button", "key", this.own[kind]), { type: "button" });
    button.dataset.deed = `${kind} ${event.id}`;
    button.setAttribute("aria-label", `${this.own[kind]}: ${event.name}`);
    button.addEventListener("click", () => this.form.open(kind, event, this.board, this.lang));
    return button;
  }
}
