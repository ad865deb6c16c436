// The strip above the totals: what is wrong, its target, since when, and the likely cause. Two at a time.

import { crew } from "/static/agents.js";
import { el, mark, put } from "/static/dom.js";
import { clock, count, isolated, moment, NONE, percent, span, target, versus } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { nameOf } from "/static/words.js";

const PLACES = 2;
const NOTABLE = 0.15;
const STALE_S = 15;

/** Parts of a line; where it breaks the dot stays behind, none begins a line. */
const joined = (parts) => parts.filter(Boolean).join("\u00a0· ");

/** What can be done about a line, and what somebody has done already. */
function takenOn(item, head, words) {
  if (!item) return {};
  const said = [item.owner ? words.takenBy(isolated(item.owner)) : "", item.silenced_until ? words.silentUntil(clock(item.silenced_until, head.zone)) : ""];
  return { item: head.actions && item.alert ? item : null, said: joined(said) };
}

/** What the page itself has to say: the connection, the age of the data, the first run. */
export function notices(board, offline, lang, words) {
  const { head } = board;
  const asOf = clock(head.data_as_of, head.zone, true);
  const behind = words.behind(head.behind_s ?? 0);
  const found = [];
  if (offline !== null) found.push({ look: "stale", title: words.offline(words.behind(offline)), sub: words.offlineSub(asOf) });
  else if (head.status === "stale") found.push({ look: "stale", title: words.stale(asOf, behind), sub: words.staleSub });
  else if (head.status === "catching_up") found.push({ look: "stale", title: words.catching(behind), sub: words.catchingSub(asOf) });
  if (offline === null) {
    const { silent, heard, expected } = head.sources;
    const at = (ms) => moment(ms, head.now, head.zone, lang);
    const [all, several] = [heard === 0, silent.length > 1];
    const taken = (...sources) => {
      const alerts = sources.map((source) => head.sources.alerts[source]).filter(Boolean);
      return takenOn(alerts.find((alert) => !alert.owner) ?? alerts[0], head, words);
    };
    if (all && several) found.push({ look: "feed_down", title: words.noSource(at(head.sources.down_since)), sub: words.noDataAll, ...taken(...silent.map((one) => one.source)) });
    else for (const { source, since } of silent) found.push({ look: "feed_down", title: words.noData(source, at(since)), sub: all ? words.noDataAll : words.noDataSub(heard, expected), ...taken(source) });
    for (const source of head.sources.doubled) found.push({ look: "watch", title: words.doubled(source), sub: words.doubledSub, ...taken(source) });
  }
  if (head.away) found.push({ look: "stale", title: words.away, sub: words.awaySub });
  else if (head.status === "loading") found.push({ look: "stale", title: words.loading, sub: words.loadingSub });
  if (head.status === "first_run") {
    found.push({ look: "no_calls", title: words.firstRun, sub: head.hotline ? words.firstRunSub : words.firstRunBare });
    if (head.behind_s > STALE_S) found.push({ look: "stale", title: words.catching(behind), sub: words.catchingSub(asOf) });
  }
  return found;
}

/** The place that a sentence is about (it stands before the colon) and the rest of it. */
function partsOf(sentence) {
  const [, place, rest] = /^(.*?)(?:: |：)(.*)$/su.exec(sentence) ?? [null, "", sentence];
  return { place: place.slice(0, 1).toUpperCase() + place.slice(1), rest };
}

/** A place without the hotline that it is a part of: the page says whose it is. */
const within = (place, hotline) => place.replace(` (${hotline})`, "").replace(`${hotline}·`, "");

/** What a line says first: a place, whose name gives way where there is no room, and what is so there, which does not. */
export class Title {
  constructor() {
    this.name = el("span", "strip-name");
    this.what = el("span", "strip-what");
    this.node = el("strong", "strip-title", this.name, this.what);
  }

  tell({ name, title }) {
    const place = name && title.startsWith(name) ? name : "";
    put(this.name, place);
    put(this.what, title.slice(place.length));
    return this.node;
  }
}

/** What a condition of any other kind says: its sentence, which tells the figures and mostly since when. */
function inItsWords(item, name, about, sentence, since, words) {
  const kind = words.kinds[item.kind];
  const parts = kind || item.kind === "doubled_feed"; // of others only the whole of it is known
  const whole = sentence.replace(/[.。]$/u, "");
  // a rule of one's own may say what is so and not where
  const placed = !whole || [name, item.queue].some((place) => place && whole.includes(place)) ? whole : words.alertOther(name, whole);
  const title = kind ? words.alertOther(name, kind) : parts ? about.place : placed;
  const rest = parts ? about.rest : "";
  return { title: title || name, sub: sentence.includes(since) ? rest : joined([rest.replace(/[.。]$/u, ""), words.since(since)]) };
}

/** One condition of the server as a line of the strip. */
export function line(item, head, lang, words) {
  const sentence = item.summary[lang] ?? item.summary.en ?? "";
  const about = partsOf(sentence);
  const name = ((item.slice || item.category) && within(about.place, nameOf(head.name, head.hotline, lang))) || item.category || nameOf(item.name, item.queue || head.hotline, lang);
  // what waits and who is free is known of queues, not of a part of the calls, and of nothing while no source is heard
  const apart = item.slice || item.category || head.sources.down_since !== null;
  const x = item.threshold_s;
  const compared = item.versus && !apart ? versus(item.versus) : null;
  const demand = compared && compared.unit === "%" ? compared.number + compared.unit : null;
  const level = percent(apart ? item.value : (item.service_level ?? item.value));
  const over = count(apart ? item.value : (item.over ?? item.value), lang);
  const fromAlert = item.expected ? versus({ ratio: item.value / item.expected - 1, calls: null }) : null;
  const byDemand = (fromAlert ? `${fromAlert.number}%` : null) ?? demand ?? NONE;
  const told = {
    service_level_under_target: () => words.alertLevel(name, level, x),
    waiting_past_threshold: () => (over === "0" ? words.alertWaited(name, x) : words.alertWaiting(name, over, x)),
    demand_above_expectation: () => words.alertDemand(name, byDemand),
    demand_below_expectation: () => words.alertDemand(name, byDemand),
    answer_rate_below_target: () => words.alertAnswered(name, percent(item.value)),
  }[item.kind];
  const since = moment(item.since, head.now, head.zone, lang);
  const look = item.kind === "dead_feed" ? "feed_down" : item.owner ? "acknowledged" : item.breach ? "breach" : "watch";
  const shown = { name, look, ...takenOn(item, head, words), summary: sentence };
  const part = item.kind === "demand_concentrated" ? words.concentrated.exec(about.rest)?.groups : null;
  if (part) return { ...shown, title: words.alertConcentrated(name, part.times), sub: joined([part.calls, words.usually(part.usual), words.since(since)]) };
  if (!told) return { ...shown, ...inItsWords(item, name, about, sentence, since, words) };
  const promised = ["service_level", "answer_rate"].includes(item.blame) && item.target !== null;
  const own = promised ? words.target(target(item.target)) : null;
  const window = item.blame === "answer_rate" ? words.windowLast["24h"] : null;
  const oldest = item.blame === "waiting" && item.oldest_s !== null && !apart ? words.oldestIs(span(item.oldest_s)) : null;
  const cause = item.blame !== "demand" && demand && Math.abs(item.versus.ratio) >= NOTABLE ? words.demand(demand) : null;
  const waits = item.blame === "demand" && item.waiting && !apart ? words.nWaiting(count(item.waiting, lang)) : null;
  const hands = item.agents && !apart ? crew(item.agents) : null;
  const onDuty = hands ? hands.free + hands.ringing + hands.busy + hands.wrap : 0;
  const free = hands && item.queue ? words.freeAgents(hands.free, onDuty) : null;
  const title = told();
  return { ...shown, title, sub: joined([own, window, words.since(since), oldest, cause, waits, free]), summary: sentence || title };
}

/** Nothing to say: all within target, or at least no alert. */
function quiet(board, lang, words) {
  const since = board.alerts.quiet_since === null ? null : moment(board.alerts.quiet_since, board.head.now, board.head.zone, lang);
  const within = Object.values(board.tiles).every((tile) => tile.service_level === null || tile.target === null || tile.service_level >= tile.target);
  return { look: "ok", title: within ? words.within(since) : words.noAlerts(since), sub: words.withinSub };
}

export class Strip {
  /** `act(what, item)`: somebody wants to `acknowledge` or `silence` the alert of a line. */
  constructor(node, act) {
    this.node = node;
    this.act = act;
    this.places = Array.from({ length: PLACES }, () => {
      const place = { icon: el("span", "strip-icon"), title: new Title(), sub: el("span", "strip-sub"), more: el("span", "strip-more"), said: el("span", "strip-said") };
      place.acknowledge = this.button(place, "acknowledge");
      place.silence = this.button(place, "silence");
      place.actions = el("span", "strip-actions", place.acknowledge, place.silence);
      place.node = el("div", "strip", place.icon, el("div", "strip-text", place.title.node, place.sub), el("span", "strip-end", place.said, place.actions, place.more));
      node.append(place.node);
      return place;
    });
  }

  button(place, what) {
    const button = el("button", "key");
    button.addEventListener("click", () => this.act(what, place.item));
    return button;
  }

  /** The first line that can be acted on: what the keys A and S mean. */
  first(what) {
    return this.places.map((place) => place.item).find((item) => item && !(what === "acknowledge" ? item.owner : item.silenced_until)) ?? null;
  }

  update(board, offline, lang, words) {
    const lines = [...notices(board, offline, lang, words), ...board.alerts.newest.map((item) => line(item, board.head, lang, words))];
    if (!lines.length) lines.push(quiet(board, lang, words));
    const rest = board.alerts.more + Math.max(0, lines.length - PLACES);
    const more = document.documentElement.dataset.view === "tv" ? `+${rest}` : words.more(rest);
    this.places.forEach((place, i) => {
      const shown = lines[i];
      place.node.hidden = !shown;
      place.item = shown?.item ?? null;
      if (!shown) return;
      put(place.said, shown.said ?? "");
      place.actions.hidden = !shown.item;
      place.acknowledge.hidden = Boolean(shown.item?.owner);
      place.silence.hidden = Boolean(shown.item?.silenced_until);
      for (const what of ["acknowledge", "silence"]) {
        put(place[what], words[what]);
        mark(place[what], "aria-label", `${words[what]}: ${shown.title}`);
      }
      if (place.look !== shown.look) {
        place.icon.replaceChildren(stateIcon(shown.look));
        place.look = shown.look;
        place.node.dataset.look = shown.look;
      }
      place.title.tell(shown);
      put(place.sub, shown.sub);
      mark(place.node, "title", shown.summary ?? null);
      put(place.more, i === PLACES - 1 && rest > 0 ? more : "");
    });
    this.hint("acknowledge", "A");
    this.hint("silence", "S");
    this.node.classList.toggle("single", lines.length === 1);
  }

  /** A key stands on the one button that it presses. */
  hint(what, key) {
    const meant = this.first(what);
    for (const place of this.places) {
      if (meant && place.item === meant) place[what].dataset.hint = key;
      else delete place[what].dataset.hint;
    }
  }
}
