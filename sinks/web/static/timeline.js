// One call from its arrival to its end, the caller's earlier ones before it, and where its events stand: why this number.

import { el, put } from "/static/dom.js";
import { clock, NONE, seconds, span } from "/static/format.js";
import { nameOf, unreached } from "/static/words.js";

const at = (iso) => (iso ? Date.parse(iso) : null);
const wait = (ms) => span(seconds(ms / 1000));

/** Whether the caller still waits in this queue. */
export const waits = (visit) => visit.outcome === "open" && visit.queued_at !== null;

/** How a visit ended or, while it goes on, where its caller is. */
export function outcomeOf(visit, own) {
  if (waits(visit)) return own.waiting;
  if (visit.outcome === "open" && visit.arrived_at !== null) return own.inMenu;
  return own.outcomes[visit.outcome] ?? visit.outcome;
}

/** The steps of a visit: [{ms, kind, text}], in order of time. */
function stepsOf(visit, now, own, queueName) {
  const steps = [];
  const add = (ms, kind, text) => ms !== null && steps.push({ ms, kind, text });
  const [arrived, queued, answered, ended, wrapped] = [visit.arrived_at, visit.queued_at, visit.answered_at, visit.ended_at, visit.wrapped_at].map(at);
  if (arrived !== null && visit.entry <= 1) add(arrived, "step", queued !== null && queued > arrived ? own.steps.menu(wait(queued - arrived)) : own.steps.arrived);
  if (queued !== null) add(queued, "step", own.steps.queued(queueName(visit.queue)));
  const left = answered ?? ended ?? now;
  const limit = queued === null ? null : queued + visit.threshold_s * 1000;
  if (limit !== null && left > limit) add(limit, "miss", own.steps.past(visit.threshold_s));
  if (answered !== null) add(answered, "step", own.steps.answered(wait(visit.wait_ms ?? answered - queued), visit.agent || NONE));
  if (ended !== null) {
    const held = visit.hold_ms ? own.steps.held(wait(visit.hold_ms)) : "";
    if (answered !== null) add(ended, "end", own.steps.ended(wait(visit.talk_ms ?? ended - answered), held));
    else add(ended, visit.outcome === "abandoned" ? "gave-up" : "end", own.steps.left(own.outcomes[visit.outcome] ?? visit.outcome, wait(visit.wait_ms ?? ended - (queued ?? arrived))));
  } else if (visit.outcome === "open" && now !== null) {
    if (queued !== null) add(now, "open", own.steps.waits(wait(now - queued)));
    else if (arrived !== null) add(now, "open", own.steps.inMenu(wait(now - arrived)));
  } else if (answered !== null && !visit.lost_talking && now !== null) {
    add(now, "open", own.steps.talks(wait(now - answered)));
  }
  if (wrapped !== null && wrapped !== ended) add(wrapped, "end", own.steps.wrapped);
  return steps;
}

/** What a language is called in the language of the page; what is no code of one stays as it was sent. */
function languageName(code, lang) {
  try {
    return new Intl.DisplayNames([lang], { type: "language" }).of(code);
  } catch (problem) {
    if (problem instanceof RangeError) return code;
    throw problem;
  }
}

export class Timeline {
  constructor(close) {
    this.title = el("h3", "");
    this.sub = el("span", "sub");
    this.close = el("button", "key");
    this.close.addEventListener("click", close);
    this.list = el("ol", "steps");
    this.list.tabIndex = 0;
    this.why = el("p", "sub why");
    this.node = el("section", "timeline", el("div", "section-head", this.title, this.sub, this.close), this.list, this.why);
    this.clear();
  }

  clear() {
    this.node.hidden = true;
    this.address = null;
    this.answer = null;
  }

  async show(address, { head, tiles }, lang, own) {
    Object.assign(this, { head, tiles, lang, own });
    if (address === this.address) {
      if (this.answer) this.render();
      return;
    }
    this.address = address;
    this.answer = null;
    put(this.title, own.loading);
    put(this.sub, "");
    put(this.why, "");
    this.list.replaceChildren();
    let problem = null;
    try {
      const response = await fetch(address);
      const told = await response.json();
      if (address !== this.address) return;
      if (response.ok) this.answer = told;
      else problem = told.error;
    } catch {
      problem = unreached();
    }
    if (address !== this.address) return;
    if (problem !== null) put(this.title, own.failed(problem));
    else this.render();
    this.node.scrollIntoView({ block: "nearest" }); // below a list on a phone it would open unseen
  }

  render() {
    const { answer, own, head, tiles, lang } = this;
    const last = answer.visits.at(-1);
    put(this.title, last.caller ? last.caller.slice(-8) : own.withheld);
    const named = (value) => value && nameOf(answer.names[value], value, lang);
    const queueName = (queue) => nameOf(tiles[queue]?.name, queue, lang);
    put(this.sub, [named(last.category), named(last.district), last.language && languageName(last.language, lang)].filter(Boolean).join(" · "));
    put(this.close, own.closeCall);
    const earlier = answer.earlier.map((visit, i) => {
      const waited = visit.wait_ms ?? (waits(visit) ? Math.max(0, head.data_as_of - at(visit.queued_at)) : null);
      const text = own.steps.earlier(i + 1, outcomeOf(visit, own), waited === null ? "" : wait(waited), named(visit.category));
      return { ms: at(visit.arrived_at ?? visit.queued_at), kind: "earlier", text };
    });
    const steps = answer.visits.flatMap((visit) => stepsOf(visit, head.data_as_of, own, queueName)).sort((a, b) => a.ms - b.ms);
    const nodes = [...earlier, ...steps].map(({ ms, kind, text }) => {
      const node = el("li", `step step-${kind}`, el("time", "", clock(ms, answer.time_zone, true)), el("i", ""), el("span", "", text));
      return node;
    });
    this.list.setAttribute("aria-label", own.timeline);
    this.list.replaceChildren(...nodes);
    put(this.why, own.why(answer.call, answer.topic, answer.partition, answer.last_offset, last.source));
  }
}
