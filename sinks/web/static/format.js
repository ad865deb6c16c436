// Numbers as the board writes them: null is "–", a real minus, one decimal, a 24 h clock in the hotline's zone.

export const NONE = "–";
const MINUS = "−";
const signed = (text, value) => (value > 0 ? `+${text}` : value < 0 ? MINUS + text : text);
const clocks = new Map();

/** Letters that are written from right to left, and the marks that act like one. */
const TURNING = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Somebody's words inside a sentence: letters from right to left turn nothing around them. */
export function isolated(text) {
  return TURNING.test(text) ? `\u2068${text}\u2069` : text;
}

/** A count: exact to 99,999; Chinese from 10,000 on in 万. */
export function count(value, lang) {
  if (value === null || value === undefined) return NONE;
  if (lang === "zh" && value >= 10_000) return `${(value / 10_000).toFixed(2)}万`;
  return value.toLocaleString("en-US");
}

/** A fraction as a percentage with one decimal, without its sign. */
export function percent(value) {
  return value === null || value === undefined ? NONE : (value * 100).toFixed(1);
}

/** A target as a percentage, decimals only if it has any; null: nothing is promised at this hour. */
export function target(value) {
  return value === null ? null : `${Number((value * 100).toFixed(1))}%`;
}

/** Whole seconds of a mean. */
export function seconds(value) {
  return value === null || value === undefined ? null : Math.round(value);
}

/** A mean rating with one decimal. */
export function rating(value) {
  return value === null || value === undefined ? NONE : value.toFixed(1);
}

/** A span: m:ss, from one hour h:mm:ss. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A span in a table: Chinese writes 时:分:秒 whole, 00:02:47. */
export function tableSpan(seconds, lang) {
  const text = span(seconds);
  if (lang !== "zh" || text === NONE) return text;
  const parts = text.split(":");
  return [...Array(3 - parts.length).fill("0"), ...parts].map((part) => part.padStart(2, "0")).join(":");
}

/** Observed against expected: {number, unit: "%" | "calls" | ""}. */
export function versus(compared) {
  if (!compared) return { number: NONE, unit: "" };
  if (compared.ratio === null) return { number: signed(count(Math.abs(compared.calls), "en"), compared.calls), unit: "calls" };
  const points = Math.round(compared.ratio * 100);
  return { number: signed(count(Math.abs(points), "en"), points), unit: "%" };
}

/** The same as one text; calls without their unit. */
export function versusText(compared) {
  const { number, unit } = versus(compared);
  return number === NONE ? "" : number + (unit === "%" ? "%" : "");
}

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!clocks.has(key)) clocks.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options }));
  return clocks.get(key);
}

/** 10:42 in the hotline's zone; 10:42:16 with `seconds`. */
export function clock(ms, zone, seconds = false) {
  if (ms === null || ms === undefined) return NONE;
  const options = { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) };
  return formatter(zone, options).format(ms);
}

/** 10:42, with the date before it when that is not the day of `today`. */
export function moment(ms, today, zone, lang) {
  const day = (at) => formatter(zone, { month: "numeric", day: "numeric" }).formatToParts(at);
  const name = (at) => {
    const parts = Object.fromEntries(day(at).map((part) => [part.type, part.value]));
    return lang === "zh" ? `${parts.month} 月 ${parts.day} 日` : `${parts.day}/${parts.month}`;
  };
  const time = clock(ms, zone);
  return name(ms) === name(today) ? time : `${name(ms)} ${time}`;
}

/** 2026-03-11T10:42 in a zone, as fields of forms have it. */
export function localTime(ms, zone) {
  const parts = formatter(zone, { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(ms);
  const { year, month, day, hour, minute } = Object.fromEntries(parts.map((part) => [part.type, part.value]));
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** The zone for people: UTC+8, or its Chinese name where everybody uses that. */
export function zoneName(head, lang) {
  if (lang === "zh" && head.zone === "Asia/Shanghai") return "北京时间";
  const minutes = head.utc_offset_min;
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? MINUS : "+"}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}
