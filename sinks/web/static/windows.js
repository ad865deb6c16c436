// The rolling windows and the definitions of the service level: which of them is shown.

export const WINDOWS = ["5m", "15m", "30m", "60m", "today", "24h"];

/** The window that is shown: the one chosen (null: the one the promise is judged over, where it is one of them). */
export function shownWindow(chosen, head) {
  if (chosen) return chosen;
  const judged = `${head.level_window_min}m`;
  return WINDOWS.includes(judged) ? judged : null;
}

/** The definitions of the service level; all but the first are by arrival. */
export const DEFINITIONS = [
  "service_level_event",
  "service_level_offered",
  "service_level_excluding_abandoned_in_threshold",
  "service_level_abandoned_in_threshold_met",
  "service_level_answered",
  "service_level_excluding_short",
];

/** The service level of a tile or of the totals in the window shown, by the definition chosen. */
export function levelIn(data, name, definition = DEFINITIONS[0]) {
  if (name === null || !data.windows?.[name]) return definition === DEFINITIONS[0] ? data.service_level : null;
  return data.windows[name][definition];
}
