// Header and footer: whose board this is, how fresh it is, what the signs and figures mean.

import { el, mark, put } from "/static/dom.js";
import { clock, NONE, zoneName } from "/static/format.js";
import { dataIcon, logo, stateIcon } from "/static/icons.js";
import { nameOf } from "/static/words.js";

const LEGEND = ["breach", "feed_down", "watch", "ok", "stale", "no_calls", "maintenance"];

export class Header {
  /** `navigation`: the entries of the pages. */
  constructor(node, navigation) {
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
      navigation,
      el("span", "fresh", this.dot, this.asOfLabel, this.asOf, this.sources),
      el("span", "clock", this.time, this.seconds, this.zone),
    );
    this.node = node;
  }

  update(head, offline, lang, words, paused = false) {
    const name = nameOf(head.name, head.hotline, lang) || NONE;
    put(this.name, name);
    mark(this.name, "title", name); // a long one is cut
    put(this.asOfLabel, paused ? words.paused : offline === null ? words.dataAsOf : words.offlineAsOf);
    put(this.asOf, clock(head.data_as_of, head.zone, true));
    put(this.zone, zoneName(head, lang));
    const { expected, heard, silent } = head.sources;
    put(this.sources, expected ? words.sources(heard, expected) : "");
    mark(this.sources, "data-silent", silent.length ? "yes" : null);
    mark(this.node, "data-fresh", offline === null && head.status === "live" && head.sources.down_since === null && !paused ? "yes" : "no");
    document.title = `${name} · Hotline`;
  }

  tick(now, zone) {
    const [hours, minutes, seconds] = clock(now, zone, true).split(":");
    put(this.time, `${hours}:${minutes}`);
    put(this.seconds, `:${seconds}`);
  }
}

export class Footer {
  /** `keys`: window, definition, language, theme, help: what their buttons do. */
  constructor(node, keys) {
    this.words = LEGEND.map((state) => el("span", ""));
    this.level = el("span", "");
    this.versus = el("span", "definition-versus");
    this.ofKinds = el("span", "definition-kinds"); // of categories: in a window that their page says
    this.definition = el("span", "definition", el("span", "definition-board", this.level, " ", this.versus), this.ofKinds);
    this.dots = el("span", "dots");
    this.dots.setAttribute("aria-hidden", "true");
    this.keys = Object.fromEntries(
      ["window", "definition", "language", "theme", "help", "leave"].map((name) => {
        const key = el("button", "key");
        key.dataset.key = name;
        key.addEventListener("click", keys[name]);
        return [name, key];
      }),
    );
    const legend = LEGEND.map((state, i) => el("span", "legend-item", stateIcon(state), this.words[i]));
    node.append(el("span", "legend", ...legend), this.definition, this.dots, el("span", "keys", ...Object.values(this.keys)));
  }

  /** `chosen`: {window, spoken, definition}. */
  update(head, theme, chosen, lang, words, leave = "") {
    LEGEND.forEach((state, i) => put(this.words[i], words.states[state]));
    const definition = words.definitions[chosen.definition];
    const parts = [words.legendLevel(definition.text(head.threshold_s), chosen.spoken), words.legendVersus];
    [this.level, this.versus].forEach((node, i) => put(node, parts[i]));
    put(this.ofKinds, words.definitions.service_level_offered.text(head.threshold_s));
    mark(this.definition, "title", [...parts, words.legendBand].join(" · "));
    const texts = { window: chosen.window ? words.windowName[chosen.window] : words.lastMinutes(head.level_window_min), definition: definition.name, language: words.langKey, theme: words.themeKey[theme], help: "?", leave };
    const titles = { window: words.windowTitle, definition: words.definitionTitle, language: words.langTitle, theme: words.themeTitle, help: words.helpTitle, leave };
    for (const [name, key] of Object.entries(this.keys)) {
      put(key, texts[name]);
      key.hidden = texts[name] === "";
      mark(key, "title", titles[name] ?? null);
      mark(key, "aria-label", name === "help" ? titles.help : null);
    }
  }

  /** On the wall: which of the pages in turn is shown. */
  turn(number, of) {
    if (this.dots.childElementCount !== of) this.dots.replaceChildren(...Array.from({ length: of }, () => el("i", "")));
    [...this.dots.children].forEach((dot, i) => dot.classList.toggle("on", i === number));
  }
}
