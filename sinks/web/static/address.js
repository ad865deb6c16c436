// The address holds what is shown: ?queue=water&metric=abandoned&in=15m. `queue=*` is the whole hotline.

const WHOLE = "*";
const OURS = ["queue", "metric", "in"];

/** {queue, metric, window} that the address names; null: the board alone. `queue` "": the whole hotline. */
export function shownDetail() {
  const asked = new URLSearchParams(location.search);
  if (!asked.has("queue")) return null;
  const queue = asked.get("queue");
  return { queue: queue === WHOLE ? "" : queue, metric: asked.get("metric"), window: asked.get("in") };
}

function addressOf(detail) {
  const address = new URL(location.href);
  OURS.forEach((name) => address.searchParams.delete(name));
  if (detail) {
    address.searchParams.set("queue", detail.queue || WHOLE);
    if (detail.metric) address.searchParams.set("metric", detail.metric);
    if (detail.window) address.searchParams.set("in", detail.window);
  }
  return address;
}

/** Where a tile leads: a link that can be opened in a tab of its own. */
export function queueAddress(queue) {
  return addressOf({ queue }).href;
}

/** Go to a detail (null: back to the board); `replace` leaves no step to go back to. */
export function goTo(detail, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", addressOf(detail));
}
