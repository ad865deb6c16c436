// The wallboard: takes what the server pushes and puts it on the page.

import { Act, Undo } from "/static/act.js";
import { placeOf, PAGES } from "/static/address.js";
import { AlarmPage } from "/static/alarms.js";
import { Announcer } from "/static/announce.js";
import { DistrictPage } from "/static/areas.js";
import { CategoryPage } from "/static/categories.js";
import { CrewPage } from "/static/crewpage.js";
import { mark, put } from "/static/dom.js";
import { EventForm } from "/static/eventform.js";
import { EventPage } from "/static/events.js";
import { Footer, Header } from "/static/frame.js";
import { Find, Help } from "/static/help.js";
import { listen, step } from "/static/keys.js";
import { QueuePage } from "/static/queue.js";
import { Navigation, Router } from "/static/router.js";
import { Stream } from "/static/stream.js";
import { Strip } from "/static/strip.js";
import { Tiles } from "/static/tiles.js";
import { Totals } from "/static/totals.js";
import { Who } from "/static/who.js";
import { Wall } from "/static/wall.js";
import { DEFINITIONS, shownWindow, WINDOWS } from "/static/windows.js";
import { WORDS } from "/static/words.js";

const OFFLINE_AFTER_S = 3;

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const language = () => (root.lang.startsWith("zh") ? "zh" : "en");
const asked = (name) => new URLSearchParams(location.search).get(name);

/** Put a choice into the address (null: take it out). */
function say(name, value) {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

function keep(name, value) {
  say(name, value);
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
const chosenWindow = () => (WINDOWS.includes(asked("window")) ? asked("window") : null);
const chosenDefinition = () => (DEFINITIONS.includes(asked("level")) ? asked("level") : DEFINITIONS[0]);

function nextWindow() {
  if (!stream.board?.head) return;
  const now = WINDOWS.indexOf(shownWindow(chosenWindow(), stream.board.head));
  say("window", WINDOWS[(now + 1) % WINDOWS.length]);
  render();
}

function nextDefinition() {
  const next = DEFINITIONS[(DEFINITIONS.indexOf(chosenDefinition()) + 1) % DEFINITIONS.length];
  say("level", next === DEFINITIONS[0] ? null : next);
  render();
}

/** On the wall: full screen, nothing to click, the pages in turn. */
function switchFullScreen() {
  const wall = root.dataset.view !== "tv";
  root.dataset.view = wall ? "tv" : "desk";
  say("view", wall ? "tv" : null);
  if (wall) root.requestFullscreen?.().catch(() => {}); // refused without a gesture: the address still says tv
  else if (document.fullscreenElement) document.exitFullscreen();
  render();
}

/** Somebody wants to act on an alert (null: the first one that nobody has). */
function ask(what, item = strip.first(what)) {
  if (item) act.open(what, item, item.summary[language()] ?? item.summary.en ?? item.queue, language());
}

/** Hold what is shown; the stream goes on and nothing is lost. */
let paused = null;
function pause() {
  paused = paused === null ? stream.board : null;
  render();
}

const go = (place, replace) => router.go(place, replace);
const navigation = new Navigation(go);
const header = new Header(byId("header"), navigation.node);
const told = (text) => put(byId("say-status"), text);
const undo = new Undo(byId("undo"), told);
const act = new Act(byId("act"), told, undo);
const eventForm = new EventForm(byId("event"), told, undo);
const strip = new Strip(byId("alerts"), ask);
const totals = new Totals(byId("totals"));
const tiles = new Tiles(byId("tiles"), byId("columns"));
const help = new Help(byId("help"));
const find = new Find(byId("find"), (queue) => go({ queue }));
const footer = new Footer(byId("footer"), { window: nextWindow, definition: nextDefinition, language: switchLanguage, theme: switchTheme, help: () => help.open(language()), leave: () => who.leave() });
const views = { queue: new QueuePage(go, ask, chosenDefinition), districts: new DistrictPage(), categories: new CategoryPage(go), agents: new CrewPage(go), alerts: new AlarmPage(ask), events: new EventPage(eventForm) };
const router = new Router(byId("page"), views, () => {
  byId("board").hidden = router.place.page !== "board";
  navigate();
});
function holdOnWall(page, part) {
  router.hold(page);
  tiles.turn(part);
}
const wall = new Wall(byId("canvas"), holdOnWall, (number, of) => footer.turn(number, of));
const announcer = new Announcer(byId("say-alert"), byId("say-status"));
let skew = 0; // server clock minus ours: the clock shown is the server's
const who = new Who((me) => {
  act.knows(me.name);
  eventForm.knows(me.name);
  render();
});
const stream = new Stream(
  (board) => {
    skew = board.head.now - Date.now();
    render();
  },
  () => who.ask(),
);

byId("tiles").addEventListener("click", (event) => {
  const link = event.target.closest(".tile-link");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ queue: link.closest(".tile").dataset.queue });
});

/** Seconds the stream has been broken, null while it is open (or broken for a blink). */
function offline() {
  const lost = stream.lostSince();
  if (lost === null) return null;
  const seconds = Math.round((Date.now() - lost) / 1000);
  return seconds >= OFFLINE_AFTER_S ? seconds : null;
}

function navigate() {
  const board = paused ?? stream.board;
  navigation.update(router.entry, board.alerts.firing, board.head.map, WORDS[language()]);
}

function render() {
  const board = paused ?? stream.board;
  const lang = language();
  const words = WORDS[lang];
  if (!board?.head) return;
  const broken = offline();
  document.body.dataset.offline = broken === null ? "no" : "yes";
  for (const region of ["alerts", "totals"]) mark(byId(region), "aria-label", words.regions[region]);
  header.update(board.head, broken, lang, words, paused !== null);
  strip.update(board, broken, lang, words);
  const window = shownWindow(chosenWindow(), board.head);
  const chosen = { window, definition: chosenDefinition(), spoken: window === null ? words.lastMinutes(board.head.level_window_min) : words.windowLast[window] };
  totals.update(board, chosen, lang, words);
  tiles.update(board, chosen, lang, words);
  footer.update(board.head, root.dataset.theme, chosen, lang, words, who.leaves(lang));
  document.body.dataset.calls = who.may("calls") ? "yes" : "no";
  document.body.dataset.export = who.may("export") ? "yes" : "no";
  wall.update(board, root.dataset.view === "tv");
  router.update(board, lang, words);
  navigate();
  announcer.update(board, broken, lang, words);
  header.tick(Date.now() + skew, board.head.zone);
}

matchMedia("screen and (width < 1200px)").addEventListener("change", render); // a small screen has shorter words

setInterval(() => {
  if (stream.lostSince() !== null) render();
  else if (stream.board?.head) header.tick(Date.now() + skew, stream.board.head.zone);
}, 1_000);

const pages = Object.fromEntries(PAGES.map((page, i) => [String(i + 1), () => go(placeOf(page))]));
listen({
  ...pages,
  escape: () => router.back(),
  arrow: step,
  a: () => ask("acknowledge"),
  s: () => ask("silence"),
  w: nextWindow,
  d: nextDefinition,
  t: switchTheme,
  l: switchLanguage,
  f: switchFullScreen,
  " ": pause,
  "/": () => find.open(stream.board, language()),
  "?": () => help.open(language()),
});

put(byId("say-status"), "");
