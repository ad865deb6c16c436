// The wallboard: takes what the server pushes and puts it on the page. Keys: A acknowledge, S silence, W window, T theme, L language, F full screen on the wall;
// arrows between tiles, Enter into one, Esc back.

import { Act } from "/static/act.js";
import { Announcer } from "/static/announce.js";
import { Detail } from "/static/detail.js";
import { mark, put } from "/static/dom.js";
import { Footer, Header } from "/static/frame.js";
import { Stream } from "/static/stream.js";
import { Strip } from "/static/strip.js";
import { Tiles } from "/static/tiles.js";
import { Totals } from "/static/totals.js";
import { shownWindow, WindowBar, WINDOWS } from "/static/windows.js";
import { WORDS } from "/static/words.js";

const OFFLINE_AFTER_S = 3;
const DRIFT_STEPS = [[0, 0], [4, 0], [4, 4], [0, 4], [-4, 4], [-4, 0], [-4, -4], [0, -4]];
const DRIFT_MS = 600_000;

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const language = () => (root.lang.startsWith("zh") ? "zh" : "en");

function keep(name, value) {
  const address = new URL(location.href);
  address.searchParams.set(name, value);
  history.replaceState(null, "", address);
  try {
    localStorage.setItem(`hotline.${name}`, value);
  } catch {
    // storage is switched off: the address remembers it
  }
}

function switchTheme() {
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  keep("theme", root.dataset.theme);
  render();
}

function switchLanguage() {
  root.lang = language() === "zh" ? "en" : "zh-Hans";
  keep("lang", language());
  render();
}

/** The rolling window that was chosen; null: the one the promise is judged over. */
function chosenWindow() {
  const asked = new URLSearchParams(location.search).get("window");
  return WINDOWS.includes(asked) ? asked : null;
}

function chooseWindow(name) {
  const address = new URL(location.href);
  address.searchParams.set("window", name);
  history.replaceState(null, "", address);
  render();
}

function nextWindow() {
  if (!stream.board?.head) return;
  const now = WINDOWS.indexOf(shownWindow(chosenWindow(), stream.board.head));
  chooseWindow(WINDOWS[(now + 1) % WINDOWS.length]);
}

/** On the wall: full screen and nothing to click. */
function switchFullScreen() {
  const wall = root.dataset.view !== "tv";
  root.dataset.view = wall ? "tv" : "desk";
  const address = new URL(location.href);
  if (wall) address.searchParams.set("view", "tv");
  else address.searchParams.delete("view");
  history.replaceState(null, "", address);
  if (wall) root.requestFullscreen?.().catch(() => {}); // refused without a gesture: the address still says tv
  else if (document.fullscreenElement) document.exitFullscreen();
}

/** Somebody wants to act on an alert (null: the first one that nobody has). */
function ask(what, item = strip.first(what)) {
  if (item) act.open(what, item, item.summary[language()] ?? item.summary.en ?? item.queue, language());
}

const header = new Header(byId("header"));
const act = new Act(byId("act"), (text) => put(byId("say-status"), text));
const strip = new Strip(byId("alerts"), ask);
const totals = new Totals(byId("totals"));
const windowBar = new WindowBar(byId("windows"), chooseWindow);
const tiles = new Tiles(byId("tiles"), byId("columns"));
const footer = new Footer(byId("footer"), { language: switchLanguage, theme: switchTheme });
const detail = new Detail(byId("detail"));
byId("tiles").addEventListener("click", (event) => {
  const link = event.target.closest(".tile-link");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  detail.open(link.closest(".tile").dataset.queue);
});
const announcer = new Announcer(byId("say-alert"), byId("say-status"));
let skew = 0; // server clock minus ours: the clock shown is the server's
const stream = new Stream((board) => {
  skew = board.head.now - Date.now();
  render();
});

/** Seconds the stream has been broken, null while it is open (or broken for a blink). */
function offline() {
  const lost = stream.lostSince();
  if (lost === null) return null;
  const seconds = Math.round((Date.now() - lost) / 1000);
  return seconds >= OFFLINE_AFTER_S ? seconds : null;
}

function render() {
  const { board } = stream;
  const lang = language();
  const words = WORDS[lang];
  if (!board?.head) return;
  const broken = offline();
  document.body.dataset.offline = broken === null ? "no" : "yes";
  for (const [region, name] of Object.entries(words.regions)) mark(byId(region), "aria-label", name);
  header.update(board.head, broken, lang, words);
  strip.update(board, broken, lang, words);
  const name = shownWindow(chosenWindow(), board.head);
  const spoken = name === null ? words.lastMinutes(board.head.level_window_min) : words.windowLast[name];
  totals.update(board, name, spoken, lang, words);
  windowBar.update(board, name, lang, words);
  tiles.update(board, name, lang, words);
  footer.update(board.head, root.dataset.theme, spoken, lang, words);
  detail.update(board, lang, words);
  announcer.update(board, broken, lang, words);
  header.tick(Date.now() + skew, board.head.zone);
}

setInterval(() => {
  if (stream.lostSince() !== null) render();
  else if (stream.board?.head) header.tick(Date.now() + skew, stream.board.head.zone);
}, 1_000);

/** Arrows go from tile to tile, to the nearest one in their direction. */
function step(event) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
  const from = document.activeElement?.closest?.(".tile");
  if (!from || (!dx && !dy)) return;
  event.preventDefault();
  const centre = (node) => {
    const box = node.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = centre(from);
  const ahead = [...document.querySelectorAll(".tile:has(.tile-link)")]
    .map((node) => [node, ...centre(node)])
    .filter(([, left, top]) => (left - x) * dx + (top - y) * dy > 1)
    .map(([node, left, top]) => [node, Math.abs(left - x) * (dx ? 1 : 4) + Math.abs(top - y) * (dy ? 1 : 4)])
    .sort(([, near], [, far]) => near - far);
  ahead[0]?.[0].querySelector(".tile-link").focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea")) return;
  step(event);
  if (byId("act").open || (byId("detail").open && "fas".includes(event.key.toLowerCase()))) return;
  const action = { a: () => ask("acknowledge"), s: () => ask("silence"), w: nextWindow, t: switchTheme, l: switchLanguage, f: switchFullScreen }[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault(); // the letter is a command, not the first one of a field that opens
  action();
});

// Burn-in: the canvas walks round a loop of eight points.
let drift = 0;
setInterval(() => {
  drift = (drift + 1) % DRIFT_STEPS.length;
  const [x, y] = DRIFT_STEPS[drift];
  byId("canvas").style.translate = `${x}px ${y}px`;
}, DRIFT_MS);

put(byId("say-status"), "");
