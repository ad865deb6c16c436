// Header and footer: whose board this is, how fresh it is, what the signs and figures mean.

import { el, mark, put } from "/static/dom.js";
import { clock, NONE, zoneName } from "/static/format.js";
import { dataIcon, logo, stateIcon } from "/static/icons.js";
import { nameOf } from "/static/words.js";

const LEGEND = ["breach", "feed_down", "watch", "ok", "stale", "no_calls"];

export class Header {
  constructor(node) {
    this.name = el("h1", "hotline-name");
    this.dot = dataIcon();
    this.asOfLabel = el("span", "as-of-label");
    this.asOf = el("b", "as-of");
    this.sources = el("span", "sources");
    this.time = el("span", "time");
    this.seconds = el("span", "seconds");
    this.zone = el("span", "zone");
    node.append(
      logo(),
      el("span", "product", "Hotline"),
      this.name,
      el("span", "fresh", this.dot, this.asOfLabel, this.asOf, this.sources),
      el("span", "clock", this.time, this.seconds, this.zone),
    );
    this.node = node;
  }

  update(head, offline, lang, words) {
    const name = nameOf(head.name, head.hotline, lang) || NONE;
    put(this.name, name);
    put(this.asOfLabel, words.dataAsOf);
    put(this.asOf, clock(head.data_as_of, head.zone, true));
    put(this.zone, zoneName(head, lang));
    const { expected, heard, silent } = head.sources;
    put(this.sources, expected ? words.sources(heard, expected) : "");
    mark(this.sources, "data-silent", silent.length ? "yes" : null);
    mark(this.node, "data-fresh", offline === null && head.status === "live" ? "yes" : "no");
    document.title = `${name} · Hotline`;
  }

  tick(now, zone) {
    const [hours, minutes, seconds] = clock(now, zone, true).split(":");
    put(this.time, `${hours}:${minutes}`);
    put(this.seconds, `:${seconds}`);
  }
}

export class Footer {
  constructor(node, keys) {
    this.words = LEGEND.map((state) => el("span", ""));
    this.definition = el("span", "definition");
    this.langKey = el("button", "key");
    this.themeKey = el("button", "key");
    this.langKey.addEventListener("click", keys.language);
    this.themeKey.addEventListener("click", keys.theme);
    const legend = LEGEND.map((state, i) => el("span", "legend-item", stateIcon(state), this.words[i]));
    node.append(el("span", "legend", ...legend), this.definition, el("span", "keys", this.langKey, this.themeKey));
  }

  update(head, theme, windowName, lang, words) {
    LEGEND.forEach((state, i) => put(this.words[i], words.states[state]));
    const parts = [words.legendLevel(head.threshold_s, windowName), words.legendVersus, words.legendBand, zoneName(head, lang)];
    put(this.definition, parts.join(" · "));
    put(this.langKey, words.langKey);
    put(this.themeKey, words.themeKey[theme]);
    mark(this.langKey, "title", words.langTitle);
    mark(this.themeKey, "title", words.themeTitle);
  }
}
