// What a screen reader hears: new breaches at once, the connection politely; at most one message in 10 s.

import { put } from "/static/dom.js";
import { nameOf } from "/static/words.js";

const PAUSE_MS = 10_000;

export class Announcer {
  constructor(alertNode, statusNode) {
    this.alertNode = alertNode;
    this.statusNode = statusNode;
    this.breached = null;
    this.silent = null;
    this.unheard = [];
    this.fresh = new Set();
    this.said = -PAUSE_MS;
    this.wasOffline = false;
  }

  update(board, offline, lang, words) {
    const now = Object.values(board.tiles).filter((tile) => tile.state === "breach");
    const queues = new Set(now.map((tile) => tile.queue));
    if (this.breached) for (const queue of queues) if (!this.breached.has(queue)) this.fresh.add(queue);
    this.breached = queues;
    this.sources(board);
    for (const queue of this.fresh) if (!queues.has(queue)) this.fresh.delete(queue);
    if (this.fresh.size && performance.now() - this.said > PAUSE_MS) {
      const names = [...this.fresh].map((queue) => nameOf(board.tiles[queue].name, queue, lang));
      put(this.alertNode, words.newBreach(names.join(words.separator)));
      this.fresh.clear();
      this.said = performance.now();
    }
    if (this.unheard.length && performance.now() - this.said > PAUSE_MS) {
      put(this.alertNode, words.newSilence(this.unheard.join(words.separator)));
      this.unheard = [];
      this.said = performance.now();
    }
    if (this.wasOffline && offline === null) put(this.statusNode, words.back);
    this.wasOffline = offline !== null;
  }

  /** Sources that have fallen silent since the last look, and are silent still. */
  sources(board) {
    const silent = board.head.sources.silent.map((item) => item.source);
    const known = this.silent ?? silent;
    this.unheard = [...this.unheard.filter((source) => silent.includes(source)), ...silent.filter((source) => !known.includes(source))];
    this.silent = silent;
  }
}
