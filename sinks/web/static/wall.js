// The wall: pages in turn, held on the board while a breach has no owner; and the canvas that walks against burn-in.

const TURNS = [["board", 30_000], ["districts", 20_000], ["categories", 20_000], ["agents", 20_000]];
const DRIFT_STEPS = [[0, 0], [4, 0], [4, 4], [0, 4], [-4, 4], [-4, 0], [-4, -4], [0, -4]];
const DRIFT_MS = 600_000;

/** Which of `turns` ([page, ms] each) is due `since` ms after the first began. */
export function turnAt(turns, since) {
  let left = since % turns.reduce((sum, [, ms]) => sum + ms, 0);
  return turns.findIndex(([, ms]) => (left -= ms) < 0);
}

export class Wall {
  /** `show(page)` (null: what the address says), `told(number, of)` for the dots. */
  constructor(canvas, show, told) {
    Object.assign(this, { show, told, on: false, began: 0, turns: TURNS, breached: false });
    setInterval(() => this.tick(), 1_000);
    let drift = 0;
    setInterval(() => {
      drift = (drift + 1) % DRIFT_STEPS.length;
      const [x, y] = DRIFT_STEPS[drift];
      canvas.style.translate = `${x}px ${y}px`;
    }, DRIFT_MS);
  }

  update(board, on) {
    this.turns = TURNS.filter(([page]) => (page !== "districts" || board.head.map) && (page !== "agents" || board.totals.agents !== null));
    this.breached = Object.values(board.tiles).some((tile) => tile.state === "breach");
    if (on !== this.on) {
      this.on = on;
      this.began = performance.now();
      if (!on) this.show(null);
    }
    if (this.breached) this.began = performance.now(); // the eye belongs on the board; the turns begin anew after it
    this.tick();
  }

  tick() {
    if (!this.on) return;
    const number = turnAt(this.turns, performance.now() - this.began);
    this.show(number === 0 ? "board" : this.turns[number][0]);
    this.told(number, this.turns.length);
  }
}
