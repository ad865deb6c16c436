// The address holds what is shown: ?page=districts, ?queue=water&metric=abandoned&in=15m&call=4711. `queue=*` is the whole hotline.

const WHOLE = "*";
const OURS = ["page", "queue", "metric", "in", "call", "within"];
/** Pages of the navigation that are views of the whole hotline. */
const VIEWS = new Map([
  ["queues", { queue: "" }],
  ["calls", { queue: "", metric: "offered", window: "15m" }],
]);
export const PAGES = ["board", "queues", "districts", "categories", "agents", "calls", "alerts", "events"];

/** The place that the address names: {page, queue, metric, window, call, within}. `queue` "": the whole hotline. */
export function here() {
  const asked = new URLSearchParams(location.search);
  const queue = asked.get("queue");
  const named = asked.get("page");
  if (queue === null && VIEWS.has(named)) return { call: null, within: null, metric: null, window: null, page: "queue", ...VIEWS.get(named) };
  const page = queue !== null ? "queue" : PAGES.includes(named) ? named : "board";
  return { page, queue: queue === WHOLE ? "" : queue, metric: asked.get("metric"), window: asked.get("in"), call: asked.get("call"), within: asked.get("within") };
}

/** The address of a place; what else it holds (language, theme, view) stays. */
export function addressOf({ page = "board", queue = null, metric = null, window = null, call = null, within = null }) {
  const address = new URL(location.href);
  OURS.forEach((name) => address.searchParams.delete(name));
  const set = (name, value) => value && address.searchParams.set(name, value);
  if (queue !== null) address.searchParams.set("queue", queue || WHOLE);
  else if (page !== "board") set("page", page);
  set("metric", metric);
  set("in", window);
  set("call", call);
  set("within", within);
  return address;
}

/** Where a page of the navigation is. */
export function placeOf(page) {
  return VIEWS.get(page) ?? { page };
}

/** Which entry of the navigation a place belongs to. */
export function entryOf(place) {
  if (place.page !== "queue") return place.page;
  return place.queue === "" && place.metric && place.window ? "calls" : "queues";
}

/** Where a tile leads: a link that can be opened in a tab of its own. */
export function queueAddress(queue) {
  return addressOf({ queue }).href;
}

/** Go to a place; `replace` leaves no step to go back to. */
export function goTo(place, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", addressOf(place));
}
