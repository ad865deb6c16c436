// One queue. Built once; afterwards only texts and attributes change.

import { queueAddress } from "/static/address.js";
import { crew, SmallCrew } from "/static/agents.js";
import { Spark } from "/static/charts.js";
import { el, figure, mark, phrase, put } from "/static/dom.js";
import { clock, count, moment, NONE, percent, span, target, versus, versusText } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { levelIn } from "/static/windows.js";
import { nameOf } from "/static/words.js";

/** A name's width in Latin letters; a tile is made for 16 of them, or 8 Han, which are twice as wide. */
const width = (name) => [...name].reduce((sum, letter) => sum + (letter >= "\u2e80" ? 2 : 1), 0);

export class Tile {
  constructor(queue) {
    this.queue = queue;
    this.icon = el("span", "tile-icon");
    this.name = el("span", "tile-name");
    this.badge = el("span", "badge");
    this.waiting = figure("waiting");
    this.waitingLabel = el("span", "label");
    this.past = el("span", "label past");
    this.oldestLabel = el("span", "label");
    this.oldest = figure("middle");
    this.levelLabel = el("span", "label");
    this.level = figure("middle level");
    this.fill = el("i", "meter-fill");
    this.tick = el("i", "meter-tick");
    this.meter = el("span", "meter", this.fill, this.tick);
    this.meter.setAttribute("role", "meter");
    this.meter.setAttribute("aria-valuemin", "0");
    this.meter.setAttribute("aria-valuemax", "100");
    this.versus = figure("versus");
    this.versusLabel = el("span", "label");
    this.spark = new Spark();
    this.crew = new SmallCrew();
    this.footLeft = el("span", "foot-left");
    this.footRight = el("span", "foot-right");
    this.sentence = el("span", "unseen");
    this.link = el("a", "tile-link", this.sentence);
    this.link.href = queueAddress(queue);
    const quiet = (node) => {
      node.setAttribute("aria-hidden", "true");
      return node;
    };
    this.node = el(
      "li",
      "tile",
      this.link,
      quiet(el("div", "tile-head", this.icon, this.name, this.badge)),
      quiet(el("div", "tile-count", this.waiting, this.waitingLabel, this.past)),
      quiet(el("div", "tile-oldest", this.oldestLabel, this.oldest)),
      quiet(el("div", "tile-level", this.levelLabel, this.level)),
      this.meter,
      quiet(el("div", "tile-versus", this.versus, this.versusLabel)),
      this.spark.node,
      quiet(el("div", "tile-foot", this.crew.node, this.footLeft, this.footRight)),
    );
    this.node.dataset.queue = queue;
    this.state = null;
  }

  update(data, sparkData, head, chosen, lang, words) {
    const level = data.state === "feed_down" ? null : levelIn(data, chosen.window, chosen.definition);
    if (this.state !== data.state) {
      this.icon.replaceChildren(stateIcon(data.state));
      this.state = data.state;
      this.node.dataset.state = data.state;
    }
    mark(this.node, "data-blame", data.blame.join(" ") || null);
    const name = nameOf(data.name, data.queue, lang);
    const behind = words.behind(data.behind_s ?? 0);
    put(this.name, name);
    this.name.classList.toggle("long", width(name) > 12); // there is no room for it beside since when
    mark(this.link, "title", width(name) > 16 ? name : null); // it may be cut
    put(this.badge, words.badge[data.state](data.minutes, behind, data.owner, data.held_until ? clock(data.held_until, head.zone) : null));
    const down = data.state === "feed_down";
    this.now(data, level, head, lang, words, name);
    const compared = versus(down ? null : data.versus);
    this.versus.set(compared.number, compared.unit === "calls" ? words.calls(Math.abs(data.versus.calls)) : compared.unit);
    put(this.versusLabel, words.versus);
    if (sparkData) {
      const last = sparkData.offered[sparkData.offered.length - 1];
      this.spark.draw(sparkData, words.sparkLabel(name, last ?? words.noValue), down ? data.since : null);
    }
    this.foot(data, head, lang, words);
    this.speak(data, level, lang, words, name);
  }

  now(data, level, head, lang, words, name) {
    const x = data.threshold_s;
    const down = data.state === "feed_down";
    const text = down ? NONE : count(data.waiting, lang);
    this.waiting.set(text);
    this.waiting.classList.toggle("wide", text.length > 2);
    this.waiting.classList.toggle("huge", text.length > 3);
    put(this.waitingLabel, words.waiting);
    const known = words.lastKnown(count(data.waiting, lang), clock(data.since, head.zone));
    phrase(this.past, down ? known : data.over ? words.past(count(data.over, lang), x) : []);
    put(this.oldestLabel, words.oldest);
    const oldest = down ? NONE : span(data.oldest_s);
    this.oldest.set(oldest);
    this.oldest.classList.toggle("long", oldest.length > 5); // from 1 h on
    this.oldest.classList.toggle("huge", oldest.length > 7); // from 10 h on
    put(this.levelLabel, words.level(x, x !== this.promised));
    this.level.set(percent(level), "%");
    this.level.classList.toggle("long", level === 1);
    const percentage = level === null ? 0 : level * 100;
    this.fill.style.width = `${percentage}%`;
    this.tick.hidden = data.target === null;
    this.tick.style.left = `${data.target * 100}%`;
    mark(this.meter, "aria-label", `${name}: ${words.levelTotal(x)}`);
    mark(this.meter, "aria-valuenow", level === null ? "0" : percentage.toFixed(1));
    mark(this.meter, "aria-valuetext", level === null ? words.noValue : `${percent(level)}%`);
  }

  foot(data, head, lang, words) {
    const today = count(data.today, lang);
    const told = data.agents !== null && (data.state === "breach" || data.state === "acknowledged" || data.state === "watch" || data.state === "ok");
    this.crew.update(told ? data.agents : null);
    let left = told ? words.free(count(crew(data.agents).free, lang)) : words.service(count(data.in_service, lang));
    if (data.state === "feed_down") left = words.silentFor(data.minutes);
    else if (data.state === "maintenance") left = [words.held];
    else if (data.state === "stale") left = words.asOf(clock(head.data_as_of, head.zone, true));
    else if (data.last_call_at !== null) left = words.lastCall(moment(data.last_call_at, head.now, head.zone, lang));
    phrase(this.footLeft, left);
    phrase(this.footRight, words.today(today, today === NONE ? "" : versusText(data.today_versus?.ratio == null ? null : data.today_versus)));
  }

  speak(data, share, lang, words, name) {
    const or = (text) => (text === NONE ? words.noValue : text);
    const level = percent(share);
    const now = data.state === "feed_down" ? { waiting: null, over: null, oldest_s: null } : data;
    put(
      this.sentence,
      words.sentence({
        name,
        state: data.owner ? `${words.states.acknowledged}${words.separator}${data.owner}` : this.badge.textContent,
        waiting: or(count(now.waiting, lang)),
        over: or(count(now.over, lang)),
        x: data.threshold_s,
        oldest: or(span(now.oldest_s)),
        level: level === NONE ? words.noValue : `${level}%`,
        target: target(data.target),
        versus: or(this.versus.textContent),
        service: or(count(data.in_service, lang)),
        free: data.agents === null ? null : count(crew(data.agents).free, lang),
        today: or(count(data.today, lang)),
      }),
    );
  }
}
