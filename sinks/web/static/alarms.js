// All alerts: what fires, with who has taken it on, and what has ended.

import { addressOf } from "/static/address.js";
import { el, mark, outside, put } from "/static/dom.js";
import { clock, isolated, moment, NONE, tableSpan } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { Kept } from "/static/kept.js";
import { ListPage } from "/static/listpage.js";
import { line, Title } from "/static/strip.js";
import { tableRow, Table } from "/static/table.js";
import { ACT } from "/static/words_detail.js";
import { PAGES } from "/static/words_pages.js";

const EVERY_MS = 3_000;

export class AlarmPage extends ListPage {
  /** `act(what, item)`: somebody wants to do something to an alert or a silence. */
  constructor(act) {
    super("alerts", EVERY_MS);
    this.act = act;
    this.events = el("a", "key");
    this.firing = el("ul", "alarms");
    this.none = el("p", "sub");
    this.silencesTitle = el("h3", "alarms-title");
    this.silencesTitle.hidden = true;
    this.silences = el("ul", "alarms");
    this.endedTitle = el("h3", "");
    this.table = new Table("figures ended", ["", "", "", "", ""]);
    this.noneEnded = el("p", "sub");
    this.lists = [this.firing, this.silences, this.table.body].map((node) => new Kept(node));
    this.node = el(
      "div",
      "alarm-page",
      el("section", "alarm-now", el("div", "section-head", this.title, this.problem, this.events, this.csv), this.none, this.firing, this.silencesTitle, this.silences),
      el("section", "panel", el("div", "section-head", this.endedTitle), this.noneEnded, this.table.node),
    );
  }

  get own() {
    return PAGES[this.lang];
  }

  get ask() {
    return ACT[this.lang];
  }

  newest(board) {
    return board.alerts.newest.map((item) => `${item.id}${item.owner}${item.silenced_until}${item.verdict}`).join();
  }

  render() {
    const { own, answer, words, board } = this;
    this.head(own.alerts);
    put(this.events, words.pages.events);
    mark(this.events, "href", addressOf({ page: "events" }).href);
    put(this.endedTitle, own.ended);
    this.table.name(own.ended, [own.what, own.began, own.until, own.lasted, board.head.judges ? own.verdict : ""]);
    if (!answer) return;
    put(this.none, answer.firing.length ? "" : words.noAlerts(null));
    put(this.silencesTitle, own.silences);
    this.silencesTitle.hidden = answer.silences.length === 0;
    put(this.noneEnded, answer.ended.length ? "" : own.noneEnded);
    this.table.node.hidden = answer.ended.length === 0;
    this.redraw(() => {
      const told = [answer.firing.map((item) => this.item(item)), answer.silences.map((silence) => this.silence(silence)), answer.ended.map((item) => this.past(item))];
      told.forEach((items, i) => this.lists[i].show(items));
    });
  }

  button(what, text, item, title) {
    return this.key(what, text, item, title, () => this.act(what, item));
  }

  /** What somebody thought of an alert; pressed to say something else. */
  judge(item, title) {
    const { ask } = this;
    return this.button("feedback", item.verdict ? ask.verdicts[item.verdict] : ask.feedback, item, title);
  }

  item(item) {
    const { board, lang, words } = this;
    const shown = line(item, board.head, lang, words);
    const { judges } = board.head;
    return [`${item.id} ${item.alert}`, [item, shown, judges, lang], () => this.strip(item, shown, judges)];
  }

  strip(item, shown, judges) {
    const { words } = this;
    const actions = el("span", "strip-actions");
    for (const what of shown.item ? ["acknowledge", "silence"] : []) {
      if (what === "acknowledge" ? shown.item.owner : shown.item.silenced_until) continue;
      actions.append(this.button(what, words[what], shown.item, shown.title));
    }
    if (judges && item.alert) actions.append(this.judge(item, shown.title));
    if (item.runbook) {
      const link = Object.assign(outside("key"), { href: item.runbook, textContent: words.runbook });
      link.setAttribute("aria-label", words.newTab(`${words.runbook}: ${shown.title}`));
      actions.append(link);
    }
    const node = el("li", "strip", el("span", "strip-icon", stateIcon(shown.look)), el("div", "strip-text", new Title().tell(shown), el("span", "strip-sub", shown.sub)), el("span", "strip-end", el("span", "strip-said", shown.said), actions));
    node.dataset.look = shown.look;
    return node;
  }

  silence(silence) {
    const { board, lang, words, ask } = this;
    const what = Object.entries(silence.matchers).map(([name, pattern]) => `${name}=${isolated(pattern)}`).join(" ");
    const said = `${isolated(silence.author)} · ${isolated(silence.reason)}`;
    const until = words.silentUntil(clock(silence.ends_at, board.head.zone));
    const { actions } = board.head;
    return [silence.id, [silence, until, actions, lang], () => {
      const end = el("span", "strip-end", el("span", "strip-said", until));
      if (actions) end.append(el("span", "strip-actions", this.button("unsilence", ask.unsilence, { ...silence, summary: { [lang]: `${what} · ${isolated(silence.reason)}` } }, what)));
      return el("li", "strip", el("span", "strip-icon", stateIcon("maintenance")), el("div", "strip-text", el("strong", "strip-title", what), el("span", "strip-sub", said)), end);
    }];
  }

  past(item) {
    const { board, lang, words } = this;
    const { zone, now, judges } = board.head;
    const told = line(item, board.head, lang, words);
    const lasted = item.until ? tableSpan(Math.round((item.until - item.since) / 1000), lang) : NONE;
    const title = item.summary[lang] ?? item.summary.en ?? told.title;
    const texts = [moment(item.since, now, zone, lang), item.until ? clock(item.until, zone) : NONE, lasted];
    return [item.id, [item.verdict, title, texts, judges, lang], () => {
      const judged = el("td", "", ...(judges ? [this.judge(item, title)] : []));
      const row = tableRow(title, [...texts, judged]);
      row.firstChild.title = title;
      return this.table.label(row);
    }];
  }
}
