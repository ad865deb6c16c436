// Agents by state: the bar of the whole hotline, and the small one of a tile.

import { el, mark, put } from "/static/dom.js";
import { count, NONE } from "/static/format.js";
import { nameOf } from "/static/words.js";

/** The states as they are shown: hold counts as on call, only who sits there is on duty. */
export function crew(agents) {
  const of = (...states) => states.reduce((sum, state) => sum + (agents[state] ?? 0), 0);
  return {
    free: of("available"),
    ringing: of("ringing"),
    busy: of("on_call", "hold"),
    wrap: of("after_call"),
    away: of("break"),
    missed: of("ring_no_answer"),
  };
}

export const PARTS = ["free", "ringing", "busy", "wrap", "away", "missed"];

/** Who is on a break, by reason: "lunch 9, training 7". */
export function onBreak({ breaks, break_names: names }, lang, words) {
  return Object.entries(breaks)
    .map(([reason, number]) => `${reason ? nameOf(names[reason], reason, lang) : words.noReason} ${number}`)
    .join(words.separator);
}

export class Bar {
  constructor(classes) {
    this.parts = Object.fromEntries(PARTS.map((name) => [name, el("i", `crew-${name}`)]));
    this.node = el("span", `crew ${classes}`, ...Object.values(this.parts));
    this.node.setAttribute("aria-hidden", "true");
  }

  draw(numbers) {
    for (const name of PARTS) {
      this.parts[name].hidden = !numbers[name];
      this.parts[name].style.flexGrow = String(numbers[name]);
    }
  }
}

/** The cell of the totals row. */
export class Crew {
  constructor() {
    this.label = el("span", "label");
    this.total = el("b", "");
    this.bar = new Bar("crew-large");
    this.counts = Object.fromEntries(PARTS.map((name) => [name, { number: el("b", ""), word: el("span", "") }]));
    const counted = PARTS.map((name) => {
      const node = el("span", "crew-count", this.counts[name].number, this.counts[name].word);
      this.counts[name].node = node;
      return node;
    });
    this.node = el("div", "total-cell total-agents", el("div", "crew-head", this.label, this.total), this.bar.node, el("div", "crew-counts", ...counted));
  }

  /** `agents` null: no source tells of agents, the cell gives its place away; `known` false: nothing is heard now. */
  update(agents, known, totals, lang, words) {
    this.node.hidden = agents === null;
    if (agents === null) return;
    const numbers = crew(known ? agents : {});
    const shown = (number) => (known ? count(number, lang) : NONE);
    put(this.label, words.onDuty);
    put(this.total, shown(PARTS.reduce((sum, name) => sum + numbers[name], 0)));
    this.bar.draw(numbers);
    for (const name of PARTS) {
      put(this.counts[name].number, shown(numbers[name]));
      put(this.counts[name].word, words.crew[name]);
      this.counts[name].node.hidden = name === "missed" && !numbers.missed;
    }
    mark(this.counts.away.node, "title", onBreak(totals, lang, words) || null);
  }
}

const MOST_PIPS = 12;
const AT_WORK = PARTS.filter((name) => name !== "away" && name !== "missed");

/** The small one in a tile's foot: a square for each agent at work, a bar where they are too many to count. */
export class SmallCrew {
  constructor() {
    this.bar = new Bar("crew-small");
    this.pips = el("span", "crew crew-small pips");
    this.pips.setAttribute("aria-hidden", "true");
    this.node = el("span", "crew-foot", this.bar.node, this.pips);
    this.drawn = null;
  }

  update(agents) {
    this.node.hidden = agents === null;
    if (agents === null) return;
    const numbers = crew(agents);
    const kinds = AT_WORK.flatMap((name) => Array.from({ length: numbers[name] }, () => name));
    const few = kinds.length <= MOST_PIPS;
    this.bar.node.hidden = few;
    this.pips.hidden = !few;
    this.node.hidden = kinds.length === 0; // nobody is at work: nothing to draw, and no gap
    if (!few) this.bar.draw(numbers);
    else if (this.drawn !== kinds.join()) this.pips.replaceChildren(...kinds.map((name) => el("i", `pip crew-${name}`)));
    this.drawn = kinds.join();
  }
}
