// The connection: everything first, then what changed. Comes back by itself, with the id it saw last.

const SILENT_MS = 8_000;
const RETRY_MS = 1_500;

/** Put an update over the board: `tiles` and `sparks` queue by queue, everything else whole. */
export function merge(board, update) {
  const merged = { ...board, ...update };
  for (const name of ["tiles", "sparks"]) {
    merged[name] = { ...board[name], ...update[name] };
    for (const [queue, value] of Object.entries(merged[name])) if (value === null) delete merged[name][queue];
  }
  return merged;
}

/** `changed(board)` on every event, `refused()` when the server will not have us; `lostSince()`: when it broke (ms), or null. */
export class Stream {
  constructor(changed, refused) {
    this.changed = changed;
    this.refused = refused;
    this.board = null;
    this.lost = null;
    this.heard = Date.now();
    this.open();
    setInterval(() => this.watch(), 1_000);
  }

  lostSince() {
    return this.lost;
  }

  open() {
    this.source?.close();
    const group = new URLSearchParams(location.search).get("queues"); // a group of queues, its totals are theirs
    this.source = new EventSource(`/api/v1/stream${group ? `?${new URLSearchParams({ queues: group })}` : ""}`);
    this.source.addEventListener("snapshot", (event) => this.take(JSON.parse(event.data), true));
    this.source.addEventListener("update", (event) => this.take(JSON.parse(event.data), false));
    this.source.addEventListener("error", () => {
      this.lost ??= this.heard;
      if (this.source.readyState === EventSource.CLOSED) this.refused();
    });
    this.opened = Date.now();
  }

  take(data, whole) {
    this.heard = Date.now();
    this.lost = null;
    this.board = whole || !this.board ? data : merge(this.board, data);
    this.changed(this.board);
  }

  /** A stream that is closed for good or silent is opened anew: half-open connections tell nothing. */
  watch() {
    const silent = Date.now() - Math.max(this.heard, this.opened) > SILENT_MS;
    if (silent) this.lost ??= this.heard;
    if (silent || (this.source.readyState === EventSource.CLOSED && Date.now() - this.opened > RETRY_MS)) this.open();
  }
}
