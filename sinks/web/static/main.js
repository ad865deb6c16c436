// The wallboard: takes what the server pushes and puts it on the page. Keys: W window, T theme, L language, F full screen.

import { Announcer } from "/static/announce.js";
import { put } from "/static/dom.js";
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

function switchFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else root.requestFullscreen?.();
}

const header = new Header(byId("header"));
const strip = new Strip(byId("alerts"));
const totals = new Totals(byId("totals"));
const windowBar = new WindowBar(byId("windows"), chooseWindow);
const tiles = new Tiles(byId("tiles"), byId("columns"));
const footer = new Footer(byId("footer"), { language: switchLanguage, theme: switchTheme });
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
  header.update(board.head, broken, lang, words);
  strip.update(board, broken, lang, words);
  const name = shownWindow(chosenWindow(), board.head);
  const spoken = name === null ? words.lastMinutes(board.head.level_window_min) : words.windowLast[name];
  totals.update(board, name, spoken, lang, words);
  windowBar.update(board, name, lang, words);
  tiles.update(board, name, lang, words);
  footer.update(board.head, root.dataset.theme, spoken, lang, words);
  announcer.update(board, broken, lang, words);
  header.tick(Date.now() + skew, board.head.zone);
}

setInterval(() => {
  if (stream.lostSince() !== null) render();
  else if (stream.board?.head) header.tick(Date.now() + skew, stream.board.head.zone);
}, 1_000);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const action = { w: nextWindow, t: switchTheme, l: switchLanguage, f: switchFullScreen }[event.key.toLowerCase()];
  if (action) action();
});

// Burn-in: the canvas walks round a loop of eight points.
let step = 0;
setInterval(() => {
  step = (step + 1) % DRIFT_STEPS.length;
  const [x, y] = DRIFT_STEPS[step];
  byId("canvas").style.translate = `${x}px ${y}px`;
}, DRIFT_MS);

put(byId("say-status"), "");
