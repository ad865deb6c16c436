// The row of the whole hotline: what is so now, the promise, and the day against its forecast.

import { Crew } from "/static/agents.js";
import { DayLine } from "/static/charts.js";
import { el, figure, mark, phrase, put } from "/static/dom.js";
import { count, isolated, moment, NONE, percent, span, target, versusText } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { levelIn } from "/static/windows.js";
import { nameOf } from "/static/words.js";
import { EVENTS } from "/static/words_events.js";

const DAYS = 14; // below so many learned days the forecast is provisional
const NARROW = matchMedia("screen and (width < 1200px)");
const CELLS = ["waiting", "oldest", "level", "answer", "calls", "service", "abandon"];

export class Totals {
  constructor(node) {
    this.day = new DayLine();
    this.cells = {};
    for (const name of CELLS) {
      const cell = { label: el("span", "label"), value: figure("total"), sub: el("span", "sub") };
      cell.node = el("div", `total-cell total-${name}`, el("div", "total-text", cell.label, cell.value, cell.sub));
      this.cells[name] = cell;
      node.append(cell.node);
    }
    this.cells.calls.node.append(this.day.node);
    this.lacking = el("span", "lacking");
    this.lackingText = el("span", "");
    this.lacking.append(stateIcon("feed_down"), this.lackingText);
    this.cells.waiting.label.after(this.lacking);
    this.crew = new Crew();
    node.append(this.crew.node);
    this.node = node;
  }

  update(board, chosen, lang, words) {
    const { window: windowName, spoken } = chosen;
    const { tiles, head } = board;
    const down = head.sources.down_since !== null;
    // where nothing is heard the figures of now are not known: a dash, never the last value
    const totals = down ? { ...board.totals, waiting: null, oldest_s: null, oldest_queue: null, in_service: null } : board.totals;
    const x = totals.threshold_s;
    const answered = totals.windows[windowName] ?? null;
    this.set("waiting", words.waitingTotal, count(totals.waiting, lang), "", totals.waiting === null ? [] : words.past(count(totals.over, lang), x));
    this.lacking.hidden = head.sources.silent.length === 0;
    put(this.lackingText, `${head.sources.heard}/${head.sources.expected}`);
    const oldest = totals.oldest_queue;
    this.set("oldest", words.oldestTotal, span(totals.oldest_s), "", oldest === null ? [] : [nameOf(tiles[oldest]?.name, oldest, lang)]);
    // read from 3 m, or in a hand: fewer words
    const brief = document.documentElement.dataset.view === "tv" || NARROW.matches;
    this.set("level", brief ? words.brief.level(x) : words.levelTotal(x), percent(down ? null : levelIn(totals, windowName, chosen.definition)), "%", words.levelSub(target(totals.target), brief ? "" : spoken));
    const over = answered ? spoken : words.windowLast.today;
    this.set("answer", brief ? words.brief.answer : words.answerRate(over), percent(answered ? answered.answer_rate_inbound : totals.answer_rate), "%", this.answerSub(totals.worst_24h, brief ? over : null, head, lang, words));
    const compared = versusText(totals.today_versus);
    this.set("calls", words.callsToday, count(totals.calls_today, lang), "", compared ? words.versusTotal(compared) : []);
    this.set("service", words.inService, count(totals.in_service, lang), "", brief ? [] : [words.inServiceSub]);
    this.set("abandon", brief ? words.brief.abandon : words.abandonRate, percent(totals.abandonment_rate), "%", [brief ? words.windowLast.today : words.abandonSub]);
    this.crew.update(totals.agents, !down, totals, lang, words);
    this.node.dataset.agents = totals.agents === null ? "no" : "yes";
    const days = head.days_learned === null || head.days_learned >= DAYS ? null : Math.floor(head.days_learned);
    const note = days === null ? { short: "", long: null } : { short: words.young(days, DAYS), long: words.youngLong(days, DAYS) };
    const planned = board.day.events.map((event) => EVENTS[lang].mark(isolated(event.name), event.lift)).join(words.separator);
    const label = words.dayLabel(totals.calls_today ?? words.noValue) + (planned ? EVENTS[lang].during(planned) : "");
    mark(this.day.node, "title", planned || null);
    this.day.draw(board.day, head.data_as_of, label, note);
  }

  /** The worst continuous 24 hours where they are known; what the rate is made of where not. */
  answerSub(worst, spoken, head, lang, words) {
    const told = worst ? words.worst(`${percent(worst.rate)}%`) : [words.answerSub];
    const [begin, end] = worst ? [worst.begin, worst.end].map((at) => moment(Date.parse(at), head.now, head.zone, lang)) : [];
    mark(this.cells.answer.node, "title", worst ? words.worstTitle(begin, end) : words.answerSub);
    return spoken ? [spoken] : told;
  }

  set(name, label, value, unit, sub) {
    const cell = this.cells[name];
    put(cell.label, label);
    const wan = value.endsWith("万"); // the unit of large Chinese numbers is small, like a percent sign
    cell.value.set(wan ? value.slice(0, -1) : value, wan ? "万" : unit);
    cell.value.classList.toggle("long", name === "oldest" && value.length > 5); // from 1 h on
    cell.value.classList.toggle("huge", name === "oldest" && value.length > 7); // from 10 h on
    phrase(cell.sub, value === NONE && name !== "level" ? [NONE] : sub);
  }
}
