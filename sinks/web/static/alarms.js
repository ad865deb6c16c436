// All alerts: what fires, with who has taken it on, and what has ended.

import { addressOf } from "/static/address.js";
import { el, mark, outside, put } from "/static/dom.js";
import { clock, moment, NONE, span } from "/static/format.js";
import { stateIcon } from "/static/icons.js";
import { apiAddress, Poll } from "/static/poll.js";
import { line } from "/static/strip.js";
import { ACT } from "/static/words_detail.js";
import { PAGES } from "/static/words_pages.js";

const EVERY_MS = 3_000;

export class AlarmPage {
  constructor(act) {
    this.act = act;
    this.title = Object.assign(el("h2", "page-title"), { tabIndex: -1 });
    this.problem = el("span", "chart-problem");
    this.csv = Object.assign(el("a", "key csv"), { download: "", href: apiAddress("alerts", { format: "csv" }) });
    this.events = el("a", "key");
    this.firing = el("ul", "alarms");
    this.none = el("p", "sub");
    this.silencesTitle = el("h3", "alarms-title");
    this.silencesTitle.hidden = true;
    this.silences = el("ul", "alarms");
    this.endedTitle = el("h3", "");
    this.heads = ["what", "since", "until", "lasted", "verdict"].map(() => Object.assign(el("th", ""), { scope: "col" }));
    this.body = el("tbody", "");
    this.scroll = el("div", "scroll", el("table", "figures ended", el("thead", "", el("tr", "", ...this.heads)), this.body));
    this.scroll.tabIndex = 0;
    this.noneEnded = el("p", "sub");
    this.scroll.setAttribute("role", "region");
    this.node = el(
      "div",
      "alarm-page",
      el("section", "alarm-now", el("div", "section-head", this.title, this.problem, this.events, this.csv), this.none, this.firing, this.silencesTitle, this.silences),
      el("section", "panel", el("div", "section-head", this.endedTitle), this.noneEnded, this.scroll),
    );
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
    const newest = board.alerts.newest.map((item) => `${item.id}${item.owner}${item.silenced_until}${item.verdict}`).join();
    const changed = this.lang !== lang || this.newest !== newest;
    Object.assign(this, { board, lang, words, newest, own: PAGES[lang], ask: ACT[lang] });
    if (changed) this.poll.stop(); // somebody has acted, or something new fires: do not wait for the next round
    this.poll.at(apiAddress("alerts"));
    if (changed) this.render();
  }

  render() {
    const { own, answer, words, board, lang } = this;
    if (!own) return;
    put(this.title, own.alerts);
    put(this.problem, this.asking ?? "");
    put(this.events, words.pages.events);
    mark(this.events, "href", addressOf({ page: "events" }).href);
    put(this.csv, "CSV");
    mark(this.csv, "aria-label", own.csvOf(own.alerts));
    put(this.endedTitle, own.ended);
    mark(this.scroll, "aria-label", own.ended);
    [own.what, own.began, own.until, own.lasted, board.head.judges ? own.verdict : ""].forEach((text, i) => put(this.heads[i], text));
    if (!answer) return;
    put(this.none, answer.firing.length ? "" : words.noAlerts(null));
    const focus = this.node.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    this.firing.replaceChildren(...answer.firing.map((item) => this.item(item)));
    put(this.silencesTitle, own.silences);
    this.silencesTitle.hidden = answer.silences.length === 0;
    this.silences.replaceChildren(...answer.silences.map((silence) => this.silence(silence)));
    put(this.noneEnded, answer.ended.length ? "" : own.noneEnded);
    this.scroll.hidden = answer.ended.length === 0;
    this.body.replaceChildren(...answer.ended.map((item) => this.past(item)));
    if (focus) this.node.querySelector(`[data-act="${CSS.escape(focus)}"]`)?.focus();
  }

  button(what, text, item, title) {
    const button = Object.assign(el("button", "key", text), { type: "button" });
    button.dataset.act = `${what} ${item.id}`;
    button.setAttribute("aria-label", `${text}: ${title}`);
    button.addEventListener("click", () => this.act(what, item));
    return button;
  }

  /** What somebody thought of an alert; pressed to say something else. */
  judge(item, title) {
    const { ask } = this;
    return this.button("feedback", item.verdict ? ask.verdicts[item.verdict] : ask.feedback, item, title);
  }

  item(item) {
    const { board, lang, words } = this;
    const shown = line(item, board.head, lang, words);
    const actions = el("span", "strip-actions");
    for (const what of shown.item ? ["acknowledge", "silence"] : []) {
      if (what === "acknowledge" ? shown.item.owner : shown.item.silenced_until) continue;
      actions.append(this.button(what, words[what], shown.item, shown.title));
    }
    if (board.head.judges && item.alert) actions.append(this.judge(item, shown.title));
    if (item.runbook) {
      const link = Object.assign(outside("key"), { href: item.runbook, textContent: words.runbook });
      link.setAttribute("aria-label", words.newTab(`${words.runbook}: ${shown.title}`));
      actions.append(link);
    }
    const node = el("li", "strip", el("span", "strip-icon", stateIcon(shown.look)), el("div", "strip-text", el("strong", "strip-title", shown.title), el("span", "strip-sub", shown.sub)), el("span", "strip-end", el("span", "strip-said", shown.said), actions));
    node.dataset.look = shown.look;
    return node;
  }

  silence(silence) {
    const { board, lang, words, ask } = this;
    const what = Object.entries(silence.matchers).map(([name, pattern]) => `${name}=${pattern}`).join(" ");
    const said = `${silence.author} · ${silence.reason}`;
    const end = el("span", "strip-end", el("span", "strip-said", words.silentUntil(clock(silence.ends_at, board.head.zone))));
    if (board.head.actions) end.append(el("span", "strip-actions", this.button("unsilence", ask.unsilence, { ...silence, summary: { [lang]: `${what} · ${silence.reason}` } }, what)));
    return el("li", "strip", el("span", "strip-icon", stateIcon("maintenance")), el("div", "strip-text", el("strong", "strip-title", what), el("span", "strip-sub", said)), end);
  }

  past(item) {
    const { board, lang, words } = this;
    const { zone, now } = board.head;
    const judged = el("td", "");
    const told = line(item, board.head, lang, words);
    const lasted = item.until ? span(Math.round((item.until - item.since) / 1000)) : NONE;
    const title = item.summary[lang] ?? item.summary.en ?? told.title;
    if (board.head.judges) judged.append(this.judge(item, title));
    return el("tr", "", Object.assign(el("th", "", title), { scope: "row" }), ...[moment(item.since, now, zone, lang), item.until ? clock(item.until, zone) : NONE, lasted].map((text) => el("td", "", text)), judged);
  }
}
