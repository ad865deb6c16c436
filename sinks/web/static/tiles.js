// The grid of tiles: which ones, in which order, and how they change places.

import { queueAddress } from "/static/address.js";
import { el, mark, phrase, put } from "/static/dom.js";
import { count } from "/static/format.js";
import { Tile } from "/static/tile.js";

const REORDER_MS = 30_000;
const SLIDE_MS = 300;
const MOST = 15;
const ON_THE_WALL = 8; // as many as can be read from 3 m
const HELD = 4;
const LOUD = ["breach", "feed_down", "acknowledged", "watch"];
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const EMPTY = { name: {}, state: "no_calls", blame: [], owner: null, since: null, minutes: null, behind_s: null, waiting: null, over: null, oldest_s: null, in_service: null, agents: null, windows: {}, service_level: null, judged: 0, versus: null, today: null, today_versus: null, last_call_at: null, held_until: null };

/** The queues as a wall shows them, so many at a time: those in breach (a row of them) in each part, every other one in one. */
export function partsOf(names, tiles) {
  if (names.length <= ON_THE_WALL) return [names];
  const held = names.filter((queue) => tiles[queue]?.state === "breach").slice(0, HELD);
  const rest = names.filter((queue) => !held.includes(queue));
  const places = ON_THE_WALL - held.length;
  const parts = Array.from({ length: Math.ceil(rest.length / places) }, (_, i) => Math.min(i * places, Math.max(0, rest.length - places))); // the last one is full, too
  return parts.map((from) => [...held, ...rest.slice(from, from + places)]);
}

export class Tiles {
  constructor(node, columns) {
    this.node = node;
    this.columns = ["", "", "", ""].map(() => el("span", ""));
    columns.append(...this.columns);
    this.tiles = new Map();
    this.order = [];
    this.moved = -REORDER_MS;
    this.part = null;
    this.othersText = el("span", "");
    this.othersStates = el("span", "label");
    this.othersLink = el("a", "tile-link");
    for (const node of [this.othersText, this.othersStates]) node.setAttribute("aria-hidden", "true"); // the link says it
    this.others = el("li", "tile others", this.othersLink, this.othersText, this.othersStates);
    this.others.dataset.queue = ""; // it leads to the list of all
  }

  /** Show one part of the queues (null: all of them). */
  turn(part) {
    if (part === this.part) return;
    this.part = part;
    this.update(...this.shown);
  }

  update(board, chosen, lang, words) {
    this.shown = [board, chosen, lang, words];
    const { tiles, sparks, head } = board;
    const all = board.order.length ? board.order : this.placeholders();
    const parts = this.part === null ? [all] : partsOf(all, tiles);
    const names = parts[this.part] ?? parts[0];
    [words.queue, words.waiting, words.oldest, words.level(head.threshold_s)].forEach((text, i) => put(this.columns[i], text));
    this.arrange(names);
    for (const queue of this.order) {
      const tile = this.tiles.get(queue);
      tile.promised = head.threshold_s;
      tile.update(tiles[queue] ?? { ...EMPTY, queue: "–", threshold_s: head.threshold_s, target: board.totals.target }, sparks[queue], head, chosen, lang, words);
    }
    this.count(names.length);
    this.rest(names.slice(this.order.length), tiles, lang, words);
  }

  /** What has no tile of its own: how many, and how many of them are not as they should be. */
  rest(names, tiles, lang, words) {
    if (!names.length) return;
    const number = (state) => names.filter((queue) => tiles[queue]?.state === state).length;
    const bad = LOUD.map((state) => [state, number(state)]).filter(([, n]) => n);
    put(this.othersText, words.others(count(names.length, lang)));
    phrase(this.othersStates, bad.flatMap(([state, n], i) => [i ? " · " : "", `${words.states[state]} `, { b: count(n, lang) }]));
    mark(this.othersLink, "href", queueAddress(""));
    mark(this.othersLink, "aria-label", [this.othersText.textContent, this.othersStates.textContent].filter(Boolean).join(words.separator));
  }

  /** The first run shows the whole frame with dashes, no skeletons. */
  placeholders() {
    return Array.from({ length: 8 }, (_, i) => `placeholder ${i}`);
  }

  /** Tiles change places when a state changes, at most every 30 s; queues that come or go do so at once. */
  arrange(names) {
    const shown = names.length > MOST ? names.slice(0, MOST - 1) : names;
    const same = shown.length === this.order.length && shown.every((queue, i) => queue === this.order[i]);
    if (same) return;
    const sameSet = shown.length === this.order.length && shown.every((queue) => this.tiles.has(queue));
    const now = performance.now();
    if (sameSet && now - this.moved < REORDER_MS) return;
    this.moved = now;
    const before = new Map([...this.tiles].map(([queue, tile]) => [queue, tile.node.getBoundingClientRect()]));
    for (const [queue, tile] of this.tiles) {
      if (!shown.includes(queue)) {
        tile.node.remove();
        this.tiles.delete(queue);
      }
    }
    const nodes = shown.map((queue) => {
      if (!this.tiles.has(queue)) this.tiles.set(queue, new Tile(queue));
      return this.tiles.get(queue).node;
    });
    if (shown.length < names.length) nodes.push(this.others);
    this.node.replaceChildren(...nodes);
    this.order = shown;
    if (!STILL.matches) this.slide(before);
  }

  slide(before) {
    for (const [queue, tile] of this.tiles) {
      const old = before.get(queue);
      if (!old) continue;
      const now = tile.node.getBoundingClientRect();
      if (old.left === now.left && old.top === now.top) continue;
      tile.node.animate([{ translate: `${old.left - now.left}px ${old.top - now.top}px` }, { translate: "0 0" }], { duration: SLIDE_MS, easing: "ease-out" });
    }
  }

  /** 4 × 2 up to eight, 5 × 3 above. */
  count(number) {
    this.node.dataset.grid = number <= 8 ? "4x2" : "5x3";
  }
}

