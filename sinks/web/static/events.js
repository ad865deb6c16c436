// Announced events: what is known to come, what is on, what has been; entered, changed and taken back here.

import { Choice } from "/static/choice.js";
import { el, mark, put } from "/static/dom.js";
import { isolated, moment } from "/static/format.js";
import { Kept } from "/static/kept.js";
import { ListPage } from "/static/listpage.js";
import { Pager } from "/static/pager.js";
import { Table } from "/static/table.js";
import { EVENTS } from "/static/words_events.js";

const EVERY_MS = 5_000;
const PAGE = 50;
const COLUMNS = ["on", "name", "where", "begin", "end", "lift", "author", "deeds"];
const STATES = [null, "now", "coming", "past"];

export class EventPage extends ListPage {
  /** `form`: what announces and changes. */
  constructor(form) {
    super("events", EVERY_MS);
    this.form = form;
    this.offset = 0;
    this.sub = el("span", "sub");
    this.add = Object.assign(el("button", "key act-do"), { type: "button" });
    this.add.addEventListener("click", () => this.form.open("add", null, this.board, this.lang));
    this.on = new Choice(STATES, null, () => this.turn(0));
    this.find = Object.assign(el("input", "find-name"), { type: "search", name: "find", maxLength: 200, autocomplete: "off" });
    this.find.addEventListener("input", () => this.turn(0));
    this.none = el("p", "sub");
    this.table = new Table("figures ended events", COLUMNS.map((column) => (column === "deeds" ? null : `col-${column}`)));
    this.rows = new Kept(this.table.body);
    this.pager = new Pager(PAGE, (offset) => this.turn(offset));
    this.node = el("div", "event-page", el("section", "panel", el("div", "section-head", this.title, this.sub, this.problem, el("span", "event-keys", this.add, this.csv)), el("div", "event-filter", this.on.node, this.find), this.none, this.table.node, this.pager.node));
  }

  get own() {
    return EVENTS[this.lang];
  }

  newest(board) {
    return board.head.announced;
  }

  asked() {
    return { on: this.on.value, name: this.find.value.trim() };
  }

  part() {
    return { limit: PAGE, offset: this.offset };
  }

  /** Show the page that begins with this one, counted from 0. */
  turn(offset) {
    this.offset = offset;
    this.look();
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
    mark(this.find, "placeholder", own.find);
    mark(this.find, "aria-label", own.find);
    this.table.name(own.title, COLUMNS.map((column) => own.heads[column]));
    if (!answer) return;
    const { events, numbers, offset, total } = answer;
    const sum = numbers.now + numbers.coming + numbers.past;
    const shown = (number) => number.toLocaleString("en-US");
    this.on.name(own.which, STATES.map((state) => `${state ? own.on[state] : own.all} ${shown(state ? numbers[state] : sum)}`));
    put(this.none, total ? "" : sum || this.find.value.trim() ? own.noFit : own.none);
    this.table.node.hidden = events.length === 0;
    this.pager.update(offset, events.length, total, { ...own, page: (...told) => own.page(...told.map(shown)) });
    this.pager.node.hidden = total <= PAGE;
    Object.assign(this.form, { board, lang, own }); // it writes places and lines in the words of the page
    this.redraw(() => this.rows.show(events.map((event) => this.told(event))));
    if (total && offset >= total) this.turn(Math.floor((total - 1) / PAGE) * PAGE); // those of the last page are gone
  }

  /** What the row of an event says, and how it is made. */
  told(event) {
    const { own, board, lang, form } = this;
    const at = (ms) => moment(ms, board.head.now, event.time_zone, lang);
    const by = event.revision ? isolated(event.author) : own.ofFile(isolated(event.author));
    const texts = [own.on[event.on], event.name, form.where(event.hotline, event.queue), at(event.begin), at(event.end), own.lift(event.lift), by];
    const kinds = board.head.judges && event.changes ? ["change", ...(event.on === "now" ? ["end"] : []), "remove"] : [];
    return [event.id, [event, texts, kinds, lang], () => this.row(event, texts, kinds)];
  }

  row(event, texts, kinds) {
    const { own, form } = this;
    const keys = kinds.map((kind) => this.key(kind, own[kind], event, event.name, () => form.open(kind, event, this.board, this.lang)));
    const cells = texts.map((text, i) => Object.assign(el(COLUMNS[i] === "name" ? "th" : "td", `col-${COLUMNS[i]}`, text), { title: text }));
    for (const i of [1, 2]) cells[i].dir = "auto"; // names are written from their own side, whatever letters they are of
    cells[1].scope = "row";
    const node = this.table.label(el("tr", "", ...cells, el("td", "col-deeds", ...(keys.length ? [el("span", "strip-actions", ...keys)] : []))));
    node.dataset.on = event.on;
    return node;
  }
}
