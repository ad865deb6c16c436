// State shapes: each state has a form of its own, so colour is never the only sign.

import { svg } from "/static/dom.js";

const line = (d, extra = {}) =>
  svg("path", { d, fill: "none", stroke: "currentColor", "stroke-width": 2.6, "stroke-linecap": "round", "stroke-linejoin": "round", ...extra });
const fill = (d, extra = {}) => svg("path", { d, fill: "currentColor", ...extra });
const hole = (d) => svg("path", { d, fill: "none", stroke: "var(--hole)", "stroke-width": 2.9, "stroke-linecap": "round" });

const SHAPES = {
  breach: () => [fill("M14 2.6 26.6 25H1.4Z", { stroke: "currentColor", "stroke-width": 2.4, "stroke-linejoin": "round" }), hole("M14 10.5v6.5M14 21.4v.1")],
  acknowledged: () => SHAPES.breach(),
  watch: () => [fill("M14 2 26 14 14 26 2 14Z", { stroke: "currentColor", "stroke-width": 2, "stroke-linejoin": "round" }), hole("M14 8.4v6.8M14 19.6v.1")],
  feed_down: () => [svg("rect", { x: 2, y: 2, width: 24, height: 24, rx: 4, fill: "currentColor" }), hole("m9 9 10 10M19 9 9 19")],
  ok: () => [svg("circle", { cx: 14, cy: 14, r: 11.7, fill: "none", stroke: "currentColor", "stroke-width": 2.6 }), line("m8.8 14.4 3.6 3.6 7-7.6")],
  no_calls: () => [svg("circle", { cx: 14, cy: 14, r: 11.7, fill: "none", stroke: "currentColor", "stroke-width": 2.6 }), line("M8.8 14h10.4")],
  maintenance: () => [line("M14 1.8 24.6 7.9V20.1L14 26.2 3.4 20.1V7.9Z"), line("M11 10v8M17 10v8")],
  stale: () => [svg("circle", { cx: 14, cy: 14, r: 11.7, fill: "none", stroke: "currentColor", "stroke-width": 2.6, "stroke-dasharray": "4.1 2.6" }), line("M14 8.2v6.3l4 2.4")],
};

/** The sign of a state, 28 units square. */
export function stateIcon(state) {
  return svg("svg", { viewBox: "0 0 28 28", class: `icon icon-${state}`, "aria-hidden": "true" }, ...SHAPES[state]());
}

/** The dot beside "data as of". */
export function dataIcon() {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", class: "data-dot", "aria-hidden": "true" },
    svg("circle", { cx: 10, cy: 10, r: 8.6, fill: "none", stroke: "currentColor", "stroke-width": 2.2 }),
    svg("circle", { cx: 10, cy: 10, r: 4.6, fill: "currentColor" }),
  );
}

/** The mark of the product. */
export function logo() {
  return svg(
    "svg",
    { viewBox: "0 0 34 34", class: "logo", "aria-hidden": "true" },
    svg("rect", { width: 34, height: 34, rx: 8, fill: "var(--logo)" }),
    svg("path", { d: "M10 23.5v-4M17 23.5v-8.5M24 23.5v-13", stroke: "var(--on-logo)", "stroke-width": 4.2, "stroke-linecap": "round" }),
  );
}
