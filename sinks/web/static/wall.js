// The wall: pages in turn, held on the board while a breach has no owner; and the canvas that walks against burn-in.

import { partsOf } from "/static/tiles.js";

const BOARD_MS = 30_000;
const OTHER_MS = 20_000;
const OTHERS = ["districts", "categories", "agents"];
const DRIFT_STEPS = [[0, 0], [4, 0], [4, 4], [0, 4], [-4, 4], [-4, 0], [-4, -4], [0, -4]];
const DRIFT_MS = 600_000;

/** Which of `turns` ({page, ms} each) is due `since` ms after the first began. */
export function turnAt(turns, since) {
  let left = since % turns.reduce((sum, { ms }) => sum + ms, 0);
  return turns.findIndex(({ ms }) => (left -= ms) < 0);
}

export class Wall {
  /** `show(page, part)`, of the board which part of the queues (null: what the address says, all of them); `told(number, of)` for the dots. */
  constructor(canvas, show, told) {
    Object.assign(this, { show, told, on: false, began: 0, turns: [], breached: false });
    setInterval(() => this.tick(), 1_000);
    let drift = 0;
    setInterval(() => {
      drift = (drift + 1) % DRIFT_STEPS.length;
      const [x, y] = DRIFT_STEPS[drift];
      canvas.style.translate = `${x}px ${y}px`;
    }, DRIFT_MS);
  }

  update(board, on) {
    const breached = Object.values(board.tiles).some((tile) => tile.state === "breach");
    const there = { districts: board.head.map, categories: true, agents: board.totals.agents !== null };
    const others = breached ? [] : OTHERS.filter((page) => there[page]); // the eye belongs on the board
    this.turns = [
      ...partsOf(board.order, board.tiles).map((_, part) => ({ page: "board", part, ms: part ? OTHER_MS : BOARD_MS })),
      ...others.map((page) => ({ page, part: 0, ms: OTHER_MS })),
    ];
    if (on !== this.on || breached !== this.breached) this.began = performance.now();
    if (this.on && !on) this.show(null, null);
    Object.assign(this, { on, breached });
    this.tick();
  }

  tick() {
    if (!this.on) return;
    const number = turnAt(this.turns, performance.now() - this.began);
    this.show(this.turns[number].page, this.turns[number].part);
    this.told(number, this.turns.length);
  }
}
