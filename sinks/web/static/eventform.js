// The form that announces, changes, ends or takes back an event. A failure stays on the form, with what to do.

import { el, mark, put } from "/static/dom.js";
import { field, FormDialog } from "/static/formdialog.js";
import { isolated, localTime } from "/static/format.js";
import { apiAddress } from "/static/poll.js";
import { post } from "/static/post.js";
import { nameOf } from "/static/words.js";
import { EVENTS } from "/static/words_events.js";

const FIELDS = ["author", "name", "where", "begin", "end", "lift"];
const LEAST = 0.01;
const MOST = 50;
const HOUR = 3_600_000;

export class EventForm extends FormDialog {
  constructor(dialog, told, undo) {
    super(dialog, told, undo);
    this.fields = {
      author: this.author,
      name: field("input", { name: "name", maxLength: 200, autocomplete: "off" }),
      where: field("select", { name: "where" }),
      begin: field("input", { name: "begin", type: "datetime-local" }),
      end: field("input", { name: "end", type: "datetime-local" }),
      lift: field("input", { name: "lift", type: "number", min: String(LEAST), max: String(MOST), step: "any", inputMode: "decimal" }),
    };
    this.inputs = Object.fromEntries(FIELDS.map((name) => [name, this.fields[name].input]));
    this.hint = Object.assign(el("p", "sub"), { id: "lift-hint" });
    this.inputs.lift.setAttribute("aria-describedby", "lift-hint");
    this.zone = el("p", "sub");
    this.problem.id = "event-problem";
    const { name, where, begin, end, lift } = this.fields;
    const times = el("div", "field-pair", begin.node, end.node);
    this.written = [name.node, where.node, times, this.zone, lift.node, this.hint];
    this.build(...this.written);
    this.form.noValidate = true; // what is wrong is said in the language of the page
  }

  /** `kind`: add, change, end or remove; `item`: the event (null: a new one). */
  open(kind, item, board, lang) {
    if (this.dialog.open) return;
    Object.assign(this, { kind, item, board, lang, own: EVENTS[lang] });
    const { own, inputs } = this;
    this.whole = kind === "add" || kind === "change";
    for (const name of FIELDS) put(this.fields[name].label, own.fields[name]);
    for (const node of this.written) node.hidden = !this.whole;
    const zone = item?.time_zone ?? board.head.zone;
    put(this.hint, own.hint);
    put(this.zone, own.zone(zone));
    this.complain(null, "");
    const queues = [...new Set(["", ...board.order, ...(item?.queue ? [item.queue] : [])])];
    inputs.where.replaceChildren(...queues.map((queue) => Object.assign(el("option", "", this.where(item?.hotline ?? board.head.hotline, queue)), { value: queue })));
    const { begin, end } = item ?? { begin: Math.ceil(board.head.now / HOUR) * HOUR, end: Math.ceil(board.head.now / HOUR + 1) * HOUR };
    inputs.name.value = item?.name ?? "";
    inputs.where.value = item?.queue ?? "";
    inputs.begin.value = localTime(begin, zone);
    inputs.end.value = localTime(end, zone);
    inputs.lift.value = String(item?.lift ?? 1);
    this.show({ title: own.titles[kind], what: item ? this.line(item) : "", author: own.fields.author, cancel: own.cancel, submit: own.do[kind] }, this.whole ? inputs.name : this.submit);
  }

  where(hotline, queue) {
    const { board, lang, own } = this;
    const named = queue ? nameOf(board.tiles[queue]?.name, queue, lang) : own.whole;
    if (hotline === board.head.hotline) return named;
    return [hotline || own.everywhere, queue && named].filter(Boolean).join(" · ");
  }

  /** An event in one line. */
  line(item) {
    const { own } = this;
    const [from, to] = [item.begin, item.end].map((at) => localTime(at, item.time_zone).replace("T", " "));
    return `${isolated(item.name)} · ${isolated(this.where(item.hotline, item.queue))} · ${from} ${own.until} ${to} · ${own.lift(item.lift)}`;
  }

  /** Say what is wrong; the field that it is about is marked and has the focus. */
  complain(field, text) {
    put(this.problem, text);
    for (const name of FIELDS) {
      mark(this.inputs[name], "aria-invalid", name === field ? "true" : null);
      if (name !== "lift") mark(this.inputs[name], "aria-describedby", name === field ? "event-problem" : null);
    }
    if (field) this.inputs[field].focus();
  }

  /** What is wrong with what is written: a field and a sentence; null: nothing. */
  wrong() {
    const { own, inputs } = this;
    if (!inputs.author.value.trim()) return ["author", own.errors.author];
    if (!this.whole) return null;
    for (const field of ["name", "begin", "end"]) if (!inputs[field].value.trim()) return [field, own.errors[field]];
    const kept = [this.moment("begin"), this.moment("end")].every((at) => at.endsWith("Z"));
    if (!kept && inputs.end.value <= inputs.begin.value) return ["end", own.errors.order];
    const lift = inputs.lift.valueAsNumber;
    return lift >= LEAST && lift <= MOST ? null : ["lift", own.errors.lift];
  }

  /** A time as it leaves: local, or exactly what it was where nobody has changed it (clocks put back tell an hour twice). */
  moment(field) {
    const { item, inputs } = this;
    const written = inputs[field].value;
    return item && written === localTime(item[field], item.time_zone) ? new Date(item[field]).toISOString() : written;
  }

  /** What leaves: the event as it is written, or which revision of which one is meant. */
  body() {
    const { kind, item, inputs, board } = this;
    const author = inputs.author.value.trim();
    const meant = item ? { event: item.id, revision: item.revision } : {};
    if (kind === "remove") return { author, ...meant };
    const told = { author, ...meant, name: inputs.name.value.trim(), hotline: item?.hotline ?? board.head.hotline, queue: inputs.where.value, begin: this.moment("begin"), end: this.moment("end"), lift: inputs.lift.valueAsNumber };
    return kind === "end" ? { ...told, begin: new Date(item.begin).toISOString(), end: new Date(Date.now() + this.skew).toISOString() } : told;
  }

  async send() {
    const { kind, own } = this;
    const wrong = this.wrong();
    if (wrong) {
      this.complain(...wrong);
      return;
    }
    const body = this.body();
    const { done, status, problem } = await this.post(`events/${kind === "end" ? "change" : kind}`, body, own.failed[kind], own.noAnswer);
    if (problem !== null) {
      this.complain(null, status === 409 && this.item ? await this.overtaken(problem) : problem);
      return;
    }
    const name = isolated(done.name);
    const mine = { author: body.author, event: done.id, revision: done.revision };
    this.done(own.done[kind](name), own, async () => {
      const answer = await post("events/undo", mine, own.notUndone, own.noAnswer);
      return answer.problem ?? own.undone(name);
    });
  }

  /** Somebody was faster: how the event is now, which the next try follows. */
  async overtaken(problem) {
    const { own } = this;
    try {
      const answer = await (await fetch(apiAddress("events", { event: this.item.id }))).json();
      const [found] = answer.events;
      if (!found) return own.gone;
      if (found.revision === this.item.revision) return problem;
      this.item = found;
      return own.overtaken(isolated(found.author), this.line(found));
    } catch {
      return problem;
    }
  }
}
