"use strict";
/* The second page: what was looked at. */
const run = (() => {
  const ENDS = ["done", "empty", "refused", "failed"];
  const ENDCOLOURS = { done: "#1f7a8c", empty: "#8aa1ad", refused: "#b8860b", failed: "#c0392b" };
  const MEANINGS = { done: "scenes with ships", empty: "scenes without a ship", refused: "can never be read as they are", failed: "a retry may mend them" };
  let isShown = false;

  const number = (value) => (typeof value === "number" ? value.toLocaleString("en-GB", { maximumFractionDigits: 1 }) : String(value ?? "–"));
  const bytes = (value) => (typeof value === "number" ? (value > 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(1)} MB`) : "–");

  function timeline() {
    const times = data.scenes.map((scene) => Date.parse(scene.time)).filter(Number.isFinite);
    if (!times.length) return make("p", {}, "No scenes.");
    const first = Math.floor(Math.min(...times) / 864e5) * 864e5, last = Math.ceil((Math.max(...times) + 1) / 864e5) * 864e5;
    const x = (time) => 70 + (880 * (time - first)) / Math.max(last - first, 1);
    const y = Object.fromEntries(ENDS.map((end, k) => [end, 18 + 26 * k]));
    const days = Math.round((last - first) / 864e5), every = Math.max(1, Math.ceil(days / 12));
    const ticks = [];
    for (let day = 0; day <= days; day += every) {
      const at = first + day * 864e5;
      ticks.push(make("line", { x1: x(at), x2: x(at), y1: 6, y2: 108 }), make("text", { x: x(at) + 2, y: 122, "text-anchor": day > days * 0.95 ? "end" : "start" }, new Date(at).toISOString().slice(5, 10)));
    }
    return make("svg", { class: "timeline", viewBox: "0 0 960 128", role: "img", "aria-label": `Timeline of ${data.scenes.length} scenes by how they ended` },
      ticks, ENDS.map((end) => make("text", { x: 4, y: y[end] + 4 }, end)),
      data.scenes.map((scene) => make("circle", { class: `s-${scene.verdict}`, cx: x(Date.parse(scene.time)), cy: y[scene.verdict], r: 5, "fill-opacity": 0.75 },
        make("title", {}, `${scene.id}: ${scene.verdict}`))));
  }

  const EXTRA = { km2_planned: "km² planned", km2_valid: "km² searched", km2_masked: "km² masked", km2_nodata: "km² without data", km2_unread: "km² unread" };

  function runTable() {
    if (!data.run.runs.length) return make("p", {}, "No run has left a record.");
    const flat = data.run.runs.map((run) => ({ ...run, ...Object.fromEntries(Object.entries(run.km2 && typeof run.km2 === "object" ? run.km2 : {}).map(([k, v]) => [`km2_${k}`, v])) }));
    const names = ["run_id", "planned", "done", "empty", "refused", "failed", "skipped", "unfinished", "error", "detections", "pairs", "attempts", ...Object.keys(EXTRA), "bytes", "bytes_read", "seconds"]
      .filter((name) => flat.some((run) => run[name] !== undefined && run[name] !== null && typeof run[name] !== "object"));
    const text = (run, name) => (name.startsWith("bytes") ? bytes(run[name]) : name === "seconds" ? `${number(run[name])} s` : number(run[name]));
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Runs" }, make("table", {},
      make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, EXTRA[name] || name.replaceAll("_", " "))))),
      make("tbody", {}, flat.map((run) => make("tr", {}, names.map((name) => make("td", {}, text(run, name))))))));
  }

  function conservation() {
    return data.run.runs.map((run) => {
      const parts = ["done", "empty", "refused", "failed", "skipped", "unfinished"].filter((name) => name !== "unfinished" || run[name]);
      const sum = parts.reduce((total, name) => total + (run[name] || 0), 0);
      return make("p", { class: "conservation" }, `${run.planned ?? "?"} planned = ${parts.map((name) => `${run[name] ?? 0} ${name}`).join(" + ")}${sum === run.planned ? " ✓" : " — does not add up"}${run.error ? `, ended by ${run.error}` : ""}  (${run.run_id})`);
    });
  }

  function troubled() {
    const bad = data.scenes.filter((scene) => scene.reason);
    if (!bad.length) return make("p", {}, "None refused, none failed.");
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Refused and failed scenes" }, make("table", {},
      make("thead", {}, make("tr", {}, ["scene", "ended", "tries", "why", "what to do"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, bad.map((scene) => make("tr", {}, make("td", {}, make("code", {}, scene.id)), make("td", {}, scene.verdict),
        make("td", {}, String(scene.attempts || "")), make("td", {}, scene.reason), make("td", {}, scene.advice))))));
  }

  function show() {
    if (isShown) return;
    isShown = true;
    const card = (value, words) => make("div", { class: "card" }, make("b", {}, value), make("span", {}, words));
    const km2 = data.run.km2;
    $("page-run").replaceChildren(
      make("h2", {}, "What was looked at"),
      make("div", { class: "cards" }, ENDS.map((end) => card(String(data.run.counts[end]), `${end}: ${MEANINGS[end]}`)),
        card(`${number(km2.valid)} km²`, "sea searched"), card(`${number(km2.masked)} km²`, "land, cloud, outside the area"), card(`${number(km2.nodata)} km²`, "without data")),
      make("h3", {}, "Conservation"), ...conservation(),
      make("h3", {}, "When"), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Timeline" }, timeline()),
      make("h3", {}, "Where"), make("div", { id: "run-map", role: "region", "aria-label": "Map of scenes by how they ended" }),
      make("p", { class: "credit" }, `done teal, empty grey, refused ochre, failed red; area of interest dashed. ${data.coast_credit}.`),
      make("h3", {}, "Refused and failed"), troubled(),
      make("h3", {}, "Runs"), runTable(),
      make("h3", {}, "Parameters"), make("pre", { class: "id", tabindex: 0 }, JSON.stringify({ ...data.parameters, aoi: data.parameters.aoi ? "as drawn" : null }, null, 1)));
    if (!basemap.isPossible()) return;
    const runMap = basemap.on("run-map");
    runMap.fitBounds(basemap.bounds(), { padding: [20, 20], animate: false });
    for (const scene of data.scenes) for (const ring of scene.rings)
      L.polygon(basemap.flip(ring), { color: ENDCOLOURS[scene.verdict], weight: 2, fillOpacity: 0.25 })
        .bindTooltip(make("span", {}, `${scene.id}: ${scene.verdict}, ${scene.ships} ships, ${scene.pairs} pairs`)).addTo(runMap);
  }

  return { show };
})();
