// Announced events: what is known to come, what is on, what has been; entered, changed and taken back here.

import { el, put } from "/static/dom.js";
import { moment } from "/static/format.js";
import { ListPage } from "/static/listpage.js";
import { tableRow, Table } from "/static/table.js";
import { EVENTS } from "/static/words_events.js";

const EVERY_MS = 5_000;
const COLUMNS = ["on", "name", "where", "begin", "end", "lift", "author", "deeds"];
const ORDER = { now: 0, coming: 1, past: 2 };

export class EventPage extends ListPage {
  /** `form`: what announces and changes. */
  constructor(form) {
    super("events", EVERY_MS);
    this.form = form;
    this.sub = el("span", "sub");
    this.add = Object.assign(el("button", "key act-do"), { type: "button" });
    this.add.addEventListener("click", () => this.form.open("add", null, this.board, this.lang));
    this.none = el("p", "sub");
    this.table = new Table("figures ended events", COLUMNS.map((column) => (column === "deeds" ? null : "")));
    this.node = el("div", "event-page", el("section", "panel", el("div", "section-head", this.title, this.sub, this.problem, el("span", "event-keys", this.add, this.csv)), this.none, this.table.node));
  }

  get own() {
    return EVENTS[this.lang];
  }

  newest(board) {
    return board.head.announced;
  }

  update(board, lang, words) {
    Object.assign(this.form, { skew: board.head.now - Date.now() });
    super.update(board, lang, words);
  }

  render() {
    const { own, board, lang, answer } = this;
    this.head(own.title);
    put(this.sub, own.sub);
    put(this.add, own.add);
    this.add.hidden = !board.head.judges;
    this.table.name(own.title, COLUMNS.map((column) => own.heads[column]));
    if (!answer) return;
    put(this.none, answer.events.length ? "" : own.none);
    this.table.node.hidden = answer.events.length === 0;
    Object.assign(this.form, { board, lang, own }); // it writes places and lines in the words of the page
    const sorted = [...answer.events].sort((a, b) => ORDER[a.on] - ORDER[b.on] || (a.on === "past" ? b.end - a.end : a.begin - b.begin));
    this.redraw(() => this.table.show(sorted.map((event) => this.row(event))));
  }

  row(event) {
    const { own, board, lang, form } = this;
    const at = (ms) => moment(ms, board.head.now, event.time_zone, lang);
    const deeds = el("td", "");
    if (board.head.judges && event.changes) {
      const kinds = ["change", ...(event.on === "now" ? ["end"] : []), "remove"];
      deeds.append(el("span", "strip-actions", ...kinds.map((kind) => this.key(kind, own[kind], event, event.name, () => form.open(kind, event, this.board, this.lang)))));
    }
    const node = tableRow(event.name, [form.where(event.hotline, event.queue), at(event.begin), at(event.end), own.lift(event.lift), event.revision ? event.author : own.ofFile(event.author), deeds]);
    node.firstChild.title = event.name;
    node.prepend(el("td", "event-on", own.on[event.on]));
    node.dataset.on = event.on;
    return node;
  }
}
