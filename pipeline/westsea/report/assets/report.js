"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const pairs = data.pairs;
  const $ = (id) => document.getElementById(id);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.body.classList.add("on");

  /* Everything that comes from the tables becomes text or an attribute, never markup. */
  function make(tag, options, ...children) {
    const svg = ["svg", "path", "g", "line", "text", "circle", "rect", "title"].includes(tag);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(options || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  // -- verdicts: those of the tables, and over them those of this browser

  const KEY = `westsea:verdicts:${data.params_hash}`;
  let own = {};
  let stored = true;
  try {
    own = JSON.parse(localStorage.getItem(KEY)) || {};
  } catch {
    stored = false;
  }
  for (const [id, label] of Object.entries(own)) {
    if (!label || !(label.verdict in data.verdicts)) delete own[id];
  }
  const verdictOf = (pair) => own[pair.id] || pair.label;

  function keep() {
    try {
      localStorage.setItem(KEY, JSON.stringify(own));
      stored = true;
    } catch {
      stored = false;
    }
    tell();
  }

  function judge(verdict, goOn) {
    const pair = current();
    if (!pair) return;
    const before = own[pair.id] || {};
    const reason = before.verdict === verdict ? before.reason : null;
    own[pair.id] = {
      pair_id: pair.id, detect_id_1: pair.detect_ids[0], detect_id_2: pair.detect_ids[1], verdict,
      reason: reason || (verdict === "true" ? "sts_plausible" : null), note: before.note || null,
      time: new Date().toISOString(),
    };
    keep();
    refreshRow(pair);
    const at = shown.indexOf(pair);
    if (goOn && at < shown.length - 1) select(shown[at + 1]);
    else showJudge(pair);
  }

  function amend(name, value) {
    const pair = current();
    if (!pair) return;
    const before = verdictOf(pair) || { verdict: "unsure" };
    own[pair.id] = {
      pair_id: pair.id, detect_id_1: pair.detect_ids[0], detect_id_2: pair.detect_ids[1],
      verdict: before.verdict, reason: before.reason || null, note: before.note || null,
      time: new Date().toISOString(), [name]: value || null,
    };
    keep();
    refreshRow(pair);
    pressed(pair);
  }

  function takeBack() {
    const pair = current();
    if (!pair || !own[pair.id]) return;
    delete own[pair.id];
    keep();
    refreshRow(pair);
    showJudge(pair);
  }

  function exported() {
    const labels = Object.values(own).sort((a, b) => (a.pair_id < b.pair_id ? -1 : 1));
    const text = JSON.stringify(
      { westsea_labels: 1, params_hash: data.params_hash, exported: new Date().toISOString(), labels }, null, 1);
    const link = make("a", { download: "labels.json", href: URL.createObjectURL(new Blob([text], { type: "application/json" })) });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function tell() {
    const judged = pairs.filter(verdictOf).length;
    $("progress").textContent = `${judged} of ${pairs.length} judged` +
      (stored ? "" : " · this browser keeps nothing: export before you close");
    bins();
  }

  const EDGES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0001];
  function bins() {
    const rows = EDGES.slice(0, -1).map((low, k) => {
      const count = { true: 0, false: 0, unsure: 0 };
      for (const pair of pairs) {
        const said = verdictOf(pair);
        if (said && pair.score >= low && pair.score < EDGES[k + 1]) count[said.verdict] += 1;
      }
      const of = count.true + count.false;
      return make("tr", {},
        make("th", { scope: "row" }, `${low.toFixed(2)} to ${Math.min(EDGES[k + 1], 1).toFixed(2)}`),
        make("td", {}, of ? `${Math.round((100 * count.true) / of)} %` : "–"),
        make("td", {}, String(count.true)), make("td", {}, String(count.false)), make("td", {}, String(count.unsure)));
    }).reverse();
    const head = make("thead", {}, make("tr", {}, ["score", "precision", "true", "false", "unsure"].map((name) => make("th", { scope: "col" }, name))));
    $("bins").replaceChildren(
      make("table", {}, head, make("tbody", {}, rows)),
      make("p", {}, "Precision: true of true and false. It is that of the pairs that were judged, which are no random choice."));
  }

  // -- list and filters

  let shown = pairs;
  let selected = null;
  const rows = new Map();
  const lazily = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      entry.target.src = entry.target.westseaUri;
      lazily.unobserve(entry.target);
    }
  }, { root: null, rootMargin: "200px" });

  const kindClass = (pair) => (pair.kind === "alongside" ? "kind-alongside" : "kind-close");
  const gapText = (pair) => (pair.gap === null ? "gap not resolved" : `gap ${Math.max(0, Math.round(pair.gap))} m`);

  function makeRow(pair, n) {
    const picture = pair.chip.pictures[0];
    let thumb;
    if (picture) {
      thumb = make("img", { class: "thumb", alt: "", width: 52, height: 52 });
      thumb.westseaUri = picture.uri;
      lazily.observe(thumb);
    } else thumb = make("div", { class: "thumb" });
    const length = pair.length === null ? "" : `longest hull ${Math.round(pair.length)} m`;
    const sub = [pair.date, pair.sensor.replace("Sentinel-", "S"), length, ...pair.flags].filter(Boolean).join(" · ");
    const row = make("div", { class: "row", role: "option", id: `row-${n}`, "aria-selected": "false", onclick: () => select(pair) },
      thumb,
      make("div", { class: "head" }, make("span", { class: kindClass(pair) }, pair.kind), " ", make("span", { class: "gap" }, gapText(pair))),
      make("div", { class: "score", title: "score" }, pair.score > 0.995 ? ">.99" : pair.score.toFixed(2)),
      make("div", { class: "sub" }, make("span", { class: "mark" }), sub));
    rows.set(pair, row);
    refreshRow(pair);
    return row;
  }

  function refreshRow(pair) {
    const mark = rows.get(pair).querySelector(".mark");
    const said = verdictOf(pair);
    mark.textContent = said ? { true: "✓ true · ", false: "✗ false · ", unsure: "? unsure · " }[said.verdict] : "";
    mark.className = said ? `mark v-${said.verdict}` : "mark";
    paint(pair);
  }

  const flagWants = {};
  function passes(pair) {
    const text = $("f-text").value.trim().toLowerCase();
    if (text) {
      const said = verdictOf(pair) || {};
      const all = [pair.id, ...pair.detect_ids, data.sources[pair.source].item, pair.kind, pair.date, pair.raft, ...pair.flags, said.note, said.reason].join(" ").toLowerCase();
      if (!all.includes(text)) return false;
    }
    const is = (id, value) => !$(id).value || $(id).value === value;
    if (!is("f-kind", pair.kind) || !is("f-sensor", pair.sensor) || !is("f-pass", pair.pass)) return false;
    if (!is("f-verdict", (verdictOf(pair) || { verdict: "none" }).verdict)) return false;
    if (pair.score < Number($("f-score").value || 0)) return false;
    if ((pair.length || 0) < Number($("f-length").value || 0)) return false;
    if ($("f-from").value && pair.date < $("f-from").value) return false;
    if ($("f-to").value && pair.date > $("f-to").value) return false;
    return Object.entries(flagWants).every(([flag, want]) => !want || pair.flags.includes(flag) === (want === "with"));
  }

  function filter() {
    shown = pairs.filter(passes);
    const chosen = new Set(shown);
    for (const pair of pairs) {
      rows.get(pair).hidden = !chosen.has(pair);
      paint(pair);
    }
    $("shown").textContent = shown.length === pairs.length ? `${pairs.length} pairs` : `${shown.length} of ${pairs.length} pairs`;
    $("nothing").hidden = shown.length > 0;
    if (selected && !chosen.has(selected) && shown.length) select(shown[0]);
  }

  function choices(id, values) {
    $(id).append(...[...new Set(values)].sort().map((value) => make("option", {}, value)));
  }

  function flagButtons() {
    const used = new Set(pairs.flatMap((pair) => pair.flags));
    for (const flag of Object.keys(data.flags).filter((each) => used.has(each))) {
      const button = make("button", { type: "button", title: data.flags[flag].meaning }, flag);
      const show = () => {
        const want = flagWants[flag] || "";
        button.dataset.want = want;
        button.setAttribute("aria-label", `${flag}: ${want ? { with: "only with", without: "only without" }[want] : "either"}`);
      };
      button.addEventListener("click", () => {
        flagWants[flag] = { "": "with", with: "without", without: "" }[flagWants[flag] || ""];
        show();
        filter();
      });
      show();
      button.westseaReset = () => { flagWants[flag] = ""; show(); };
      $("f-flags").append(button);
    }
  }

  const current = () => selected;

  function select(pair, { quietly = false } = {}) {
    if (selected) rows.get(selected).setAttribute("aria-selected", "false");
    const before = selected;
    selected = pair;
    const row = rows.get(pair);
    row.setAttribute("aria-selected", "true");
    $("list").setAttribute("aria-activedescendant", row.id);
    const list = $("list");
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + row.offsetHeight - list.clientHeight;
    show(pair);
    if (before) paint(before);
    paint(pair);
    focusMap(pair);
    if (!quietly) history.replaceState(null, "", `#pair=${encodeURIComponent(pair.id)}`);
  }

  function step(by) {
    if (!shown.length) return;
    const at = shown.indexOf(selected);
    select(shown[Math.min(Math.max(at + by, 0), shown.length - 1)]);
  }

  // -- the pair

  const table = (rowsOf) => make("table", {}, make("tbody", {}, rowsOf.map(([name, value]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)))));
  const block = (title, ...children) => make("div", {}, make("h3", {}, title), ...children);
  const points = (line) => (line.length ? `M${line.map((p) => p.join(",")).join("L")}` : "");

  function barLength(reach) {
    return [10, 20, 50, 100, 200, 500, 1000].filter((metres) => metres <= reach * 0.7).pop() || 10;
  }

  function drawing(pair) {
    const chip = pair.chip, r = chip.reach, bar = barLength(r), size = r * 0.085;
    const left = -r * 0.93, low = r * 0.9;
    const marks = chip.outlines.map((line, k) => {
      const x = line.reduce((sum, p) => sum + p[0], 0) / line.length;
      const y = Math.min(...line.map((p) => p[1])) - size * 0.5;
      return make("text", { class: "txt nth", x, y: Math.max(y, -r + size), "font-size": size, "text-anchor": "middle" }, String(k + 1));
    });
    return make("svg", { viewBox: `${-r} ${-r} ${2 * r} ${2 * r}`, "aria-hidden": "true" },
      chip.outlines.map((line) => make("path", { class: "hull", d: `${points(line)}Z` })),
      chip.axes.map((line) => make("path", { class: "axis", d: points(line) })),
      make("path", { class: "gap", d: points(chip.gap) }),
      chip.outlines.length > 1 ? marks : [],
      make("path", { class: "barback", d: `M${left},${low}h${bar}` }),
      make("path", { class: "bar", d: `M${left},${low}h${bar}` }),
      make("text", { class: "txt", x: left, y: low - size * 0.4, "font-size": size }, `${bar} m`),
      make("text", { class: "txt", x: r * 0.93, y: -r * 0.84, "font-size": size, "text-anchor": "end" }, "N ↑"));
  }

  function chips(pair) {
    const chip = pair.chip;
    if (!chip.pictures.length) {
      return make("div", { class: "chips" }, make("figure", { class: "chip" },
        make("div", { class: "frame" }, make("p", { class: "none" }, `No pixels: ${chip.reason}`)),
        make("figcaption", {}, "Hulls as they were measured are in the tables below.")));
    }
    return make("div", { class: "chips" }, chip.pictures.map((picture) => {
      const alt = `${picture.name} chip, ${2 * chip.reach} m wide: ${pair.kind} pair, ${gapText(pair)}`;
      return make("figure", { class: "chip" },
        make("div", { class: "frame" }, make("img", { src: picture.uri, alt, width: chip.size, height: chip.size }), drawing(pair)),
        make("figcaption", {}, make("strong", {}, picture.name), ` · pixels of ${chip.pixel} m · ${picture.scale}`));
    }));
  }

  function flagList(names) {
    if (!names.length) return make("p", {}, "None.");
    return make("ul", { class: "plainlist" }, names.map((name) => make("li", {},
      make("span", { class: data.flags[name].doubt ? "flag doubt" : "flag" }, `${name} (${data.flags[name].doubt ? "doubt" : "remark"})`),
      `: ${data.flags[name].meaning}.`)));
  }

  function provenance(pair) {
    const p = data.sources[pair.source];
    const found = [["item", make("code", {}, p.item || "")], ["collection", p.collection || ""], ["platform", `${p.platform}, ${p.pass}`],
      ["bands searched", p.bands.join(", ")], ["processing baseline", p.baseline || "not said"]];
    if (p.catalog) found.push(["catalogue", make("code", {}, p.catalog)]);
    for (const [key, href] of Object.entries(p.links)) found.push([key, make("code", {}, href)]);
    found.push(["algorithm", `version ${data.parameters.algorithm_version}`], ["parameters", make("code", {}, data.params_hash)], ["credit", p.credit]);
    return table(found);
  }

  const list = (lines) => make("ul", { class: "plainlist" }, lines.map((line) => make("li", {}, line)));

  function show(pair) {
    const many = [...new Set([...pair.flags, ...pair.hulls.flatMap((hull) => hull.flags)])];
    const near = pair.near.length ? make("ul", { class: "plainlist" }, pair.near.map((each) => make("li", {}, each.text,
      each.flags.length ? ` (${each.flags.join(", ")})` : "", " ", make("span", { class: "id" }, each.id)))) : make("p", {}, "No other detection within 5 km.");
    $("detail").replaceChildren(
      make("div", { class: "title" },
        make("h2", { class: "big" }, make("span", { class: kindClass(pair) }, pair.kind), `, ${pair.gap === null ? "gap not resolved" : `gap ${pair.gap_words}`}`),
        make("span", { class: "big" }, `score ${pair.score_words}`), make("span", { class: "id" }, pair.id)),
      make("p", { class: "when" }, `${pair.utc} · ${pair.local} local · ${pair.lat.toFixed(5)}, ${pair.lon.toFixed(5)} · ${pair.sensor}, ${pair.pass}`),
      make("div", { class: "judge", role: "group", "aria-label": "Your verdict", id: "judge" }),
      chips(pair),
      make("div", { class: "columns" },
        block("Why it scores so", list(pair.why)),
        block("What would settle it", list(pair.settle))),
      make("div", { class: "columns" },
        block("The pair", table(pair.numbers)),
        ...pair.hulls.map((hull, k) => block(pair.hulls.length > 1 ? `Hull ${k + 1}` : "The blob",
          table([...hull.numbers, ...(hull.doubt_of ? [["may belong to", hull.doubt_of]] : []), ["detection", make("span", { class: "id" }, hull.id)]])))),
      make("div", { class: "columns" }, block("Flags", flagList(many)), block("Neighbours", near)),
      block("Provenance", provenance(pair)),
      make("p", { class: "when" }, "A candidate, never a violation: one image shows neither duration nor intent."));
    $("detail").scrollTop = 0;
    showJudge(pair);
  }

  function showJudge(pair) {
    const button = (verdict, key) => make("button", { type: "button", class: `v-${verdict}`, "data-verdict": verdict, "aria-pressed": "false", title: data.verdicts[verdict], onclick: () => judge(verdict, false) },
      `${{ true: "✓ True", false: "✗ False", unsure: "? Unsure" }[verdict]} `, make("kbd", { "aria-hidden": "true" }, key));
    const reason = make("select", { id: "reason", "aria-label": "Reason", onchange: (event) => amend("reason", event.target.value) },
      make("option", { value: "" }, "reason…"),
      Object.entries(data.reasons).map(([name, meaning]) => make("option", { value: name, title: meaning }, name.replaceAll("_", " "))));
    const note = make("input", { id: "note", type: "text", maxlength: 2000, placeholder: "note", "aria-label": "Note", onchange: (event) => amend("note", event.target.value.trim()) });
    const said = verdictOf(pair) || {};
    reason.value = said.reason || "";
    note.value = said.note || "";
    const label = pair.label;
    const earlier = label ? make("p", { class: "said" }, `In the tables: ${label.verdict}${label.reason ? `, ${label.reason.replaceAll("_", " ")}` : ""}, by ${label.reviewer}, ${label.time.slice(0, 16).replace("T", " ")} UTC${label.note ? `: ${label.note}` : ""}`) : null;
    $("judge").replaceChildren(button("true", "t"), button("false", "f"), button("unsure", "u"), reason, note, ...(earlier ? [earlier] : []));
    pressed(pair);
  }

  function pressed(pair) {
    const said = verdictOf(pair);
    for (const each of $("judge").querySelectorAll("[data-verdict]"))
      each.setAttribute("aria-pressed", String(Boolean(said) && said.verdict === each.dataset.verdict));
  }

  // -- maps

  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const COLOURS = dark
    ? { land: "#3b3a33", shore: "#8d8672", grid: "#2f4658", scene: "#7e97a8", aoi: "#e0a84e", alongside: "#ff8a7d", close: "#7cbcff", ship: "#90a4b0", text: "#a9bac7" }
    : { land: "#d9d3c4", shore: "#8d8672", grid: "#b7cad8", scene: "#5b6f80", aoi: "#8a5300", alongside: "#b3261e", close: "#0b57a4", ship: "#5c7180", text: "#44586a" };
  const flip = (ring) => ring.map(([lon, lat]) => [lat, lon]);
  let map = null;
  let overlay = null;
  const dots = new Map();

  const canMap = () => Boolean(data.box) && typeof L !== "undefined";

  function makeMap(id) {
    const found = L.map(id, { preferCanvas: true, attributionControl: false, zoomSnap: 0.25, maxZoom: 18, keyboard: true,
      zoomAnimation: !calm, fadeAnimation: !calm, markerZoomAnimation: !calm, inertia: !calm });
    L.control.scale({ imperial: false }).addTo(found);
    found.createPane("low").style.zIndex = 250;
    const low = L.canvas({ pane: "low" });
    L.polygon(data.coast.map((ring) => [flip(ring)]), { renderer: low, pane: "low", interactive: false, color: COLOURS.shore, weight: 0.8, fillColor: COLOURS.land, fillOpacity: 1, smoothFactor: 0.5 }).addTo(found);
    graticule(found, low);
    for (const ring of data.aoi) L.polygon(flip(ring), { renderer: low, pane: "low", interactive: false, fill: false, color: COLOURS.aoi, weight: 1.5, dashArray: "7 5" }).addTo(found);
    return found;
  }

  function graticule(of, renderer) {
    const lines = L.layerGroup().addTo(of);
    const draw = () => {
      lines.clearLayers();
      const b = of.getBounds(), span = Math.max(b.getEast() - b.getWest(), 0.001);
      const by = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].find((each) => span / each <= 6) || 20;
      const digits = by >= 1 ? 0 : by >= 0.1 ? 1 : by >= 0.01 ? 2 : 3;
      const style = { renderer, pane: "low", interactive: false, color: COLOURS.grid, weight: 1, opacity: 0.8 };
      const label = (at, text) => lines.addLayer(L.tooltip({ permanent: true, direction: "right", offset: [0, 0], className: "grat", interactive: false }).setLatLng(at).setContent(make("span", {}, text)));
      for (let x = Math.ceil(b.getWest() / by) * by; x <= b.getEast(); x += by) {
        lines.addLayer(L.polyline([[b.getSouth(), x], [b.getNorth(), x]], style));
        label([b.getNorth() - (b.getNorth() - b.getSouth()) * 0.03, x], `${Math.abs(x).toFixed(digits)}°${x < 0 ? "W" : "E"}`);
      }
      for (let y = Math.ceil(b.getSouth() / by) * by; y <= b.getNorth(); y += by) {
        lines.addLayer(L.polyline([[y, b.getWest()], [y, b.getEast()]], style));
        label([y, b.getWest()], `${Math.abs(y).toFixed(digits)}°${y < 0 ? "S" : "N"}`);
      }
    };
    of.on("moveend", draw);
  }

  function bounds() {
    const b = L.latLngBounds([]);
    for (const scene of data.scenes) for (const ring of scene.rings) b.extend(flip(ring));
    return b.isValid() ? b : L.latLngBounds([[data.box[1], data.box[0]], [data.box[3], data.box[2]]]);
  }

  function paint(pair) {
    const dot = dots.get(pair);
    if (!dot) return;
    const said = verdictOf(pair);
    const is = pair === selected;
    dot.setStyle({ color: is ? "#ffffff" : COLOURS[pair.kind] || COLOURS.close, weight: is ? 3 : 1.5,
      fillColor: is ? "#e0007a" : COLOURS[pair.kind] || COLOURS.close, fillOpacity: said ? 0.15 : 0.75,
      opacity: rows.get(pair).hidden ? 0 : 1, ...(rows.get(pair).hidden ? { fillOpacity: 0 } : {}) });
    if (is) dot.bringToFront();
  }

  function mainMap() {
    map = makeMap("map");
    map.fitBounds(bounds(), { padding: [20, 20] });
    for (const scene of data.scenes) {
      for (const ring of scene.rings)
        L.polygon(flip(ring), { interactive: false, fill: false, color: COLOURS.scene, weight: 1 }).addTo(map);
    }
    for (const [lon, lat, length, doubted] of data.ships)
      L.circleMarker([lat, lon], { interactive: false, radius: length >= 100 ? 2.5 : 1.5, stroke: false, fillColor: COLOURS.ship, fillOpacity: doubted ? 0.3 : 0.8 }).addTo(map);
    for (const pair of [...pairs].reverse()) {
      const dot = L.circleMarker([pair.lat, pair.lon], { radius: 5 }).on("click", () => select(pair)).addTo(map);
      dots.set(pair, dot);
      paint(pair);
    }
    window.addEventListener("resize", () => map.invalidateSize());
  }

  function focusMap(pair) {
    if (!map) return;
    if (overlay) overlay.remove();
    overlay = null;
    const [west, south, east, north] = pair.chip.bounds;
    const box = [[south, west], [north, east]];
    const picture = pair.chip.pictures[0];
    overlay = picture ? L.imageOverlay(picture.uri, box, { className: "pixels", alt: "Chip of the pair" }) : L.rectangle(box, { fill: false, color: COLOURS.scene, weight: 1, interactive: false });
    overlay.addTo(map);
    if (map.getZoom() >= 12) map.setView([pair.lat, pair.lon], map.getZoom(), { animate: false });
    else if (!map.getBounds().contains([pair.lat, pair.lon])) map.panTo([pair.lat, pair.lon], { animate: !calm });
  }

  function zoomMap() {
    if (!map || !selected) return;
    if (map.getZoom() >= 12) map.fitBounds(bounds(), { padding: [20, 20], animate: false });
    else {
      const [west, south, east, north] = selected.chip.bounds;
      map.fitBounds([[south, west], [north, east]], { animate: false });
    }
  }

  // -- the run

  const ENDS = ["done", "empty", "refused", "failed"];
  const ENDCOLOURS = { done: "#1f7a8c", empty: "#8aa1ad", refused: "#b8860b", failed: "#c0392b" };
  const MEANINGS = { done: "scenes with ships", empty: "scenes without a ship", refused: "can never be read as they are", failed: "a retry may mend them" };
  let runShown = false;

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
    const names = ["run_id", "planned", "done", "empty", "refused", "failed", "skipped", "unfinished", "detections", "pairs", "attempts", ...Object.keys(EXTRA), "bytes", "bytes_read", "seconds"]
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
      return make("p", { class: "conservation" }, `${run.planned ?? "?"} planned = ${parts.map((name) => `${run[name] ?? 0} ${name}`).join(" + ")}${sum === run.planned ? " ✓" : " — does not add up"}  (${run.run_id})`);
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

  function showRun() {
    if (runShown) return;
    runShown = true;
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
    if (!canMap()) return;
    const runMap = makeMap("run-map");
    runMap.fitBounds(bounds(), { padding: [20, 20], animate: false });
    for (const scene of data.scenes) for (const ring of scene.rings)
      L.polygon(flip(ring), { color: ENDCOLOURS[scene.verdict], weight: 2, fillOpacity: 0.25 })
        .bindTooltip(make("span", {}, `${scene.id}: ${scene.verdict}, ${scene.ships} ships, ${scene.pairs} pairs`)).addTo(runMap);
  }

  function turnTo(name) {
    for (const each of ["pairs", "run"]) {
      $(`page-${each}`).hidden = each !== name;
      $(`tab-${each}`).setAttribute("aria-selected", String(each === name));
      $(`tab-${each}`).tabIndex = each === name ? 0 : -1;
    }
    if (name === "run") showRun();
    else if (map) map.invalidateSize();
  }

  // -- keys

  const help = $("help");
  const openHelp = () => { if (!help.open) help.showModal(); };
  const openFilters = () => { $("filters").open = true; $("f-text").focus(); $("f-text").select(); };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "Escape" && typing) { event.target.blur(); $("list").focus(); return; }
    if (typing) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target.closest("#map, #run-map, [role=tablist]")) return;
    const onPairs = !$("page-pairs").hidden;
    const act = {
      "?": openHelp, "1": () => turnTo("pairs"), "2": () => turnTo("run"), e: exported,
      ...(onPairs && {
        j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1),
        Home: () => step(-pairs.length), End: () => step(pairs.length),
        t: () => judge("true", false), f: () => judge("false", false), u: () => judge("unsure", false),
        T: () => judge("true", true), F: () => judge("false", true), U: () => judge("unsure", true), x: takeBack,
        r: () => $("reason").focus(), n: () => $("note").focus(), "/": openFilters, z: zoomMap,
        o: () => $("detail").classList.toggle("no-outlines"),
      }),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  $("help-open").addEventListener("click", openHelp);
  $("export").addEventListener("click", exported);
  for (const name of ["pairs", "run"]) {
    $(`tab-${name}`).addEventListener("click", () => turnTo(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = name === "pairs" ? "run" : "pairs";
      turnTo(other);
      $(`tab-${other}`).focus();
    });
  }

  // -- begin

  $("subtitle").textContent = `${pairs.length} candidate pairs in ${data.scenes.length} scenes · ${data.out}`;
  const credits = [...new Set(data.sources.map((source) => source.credit))];
  $("credit").textContent = `${data.coast_credit}. Map: Leaflet 1.9.4. ${credits.join(" ")}`;
  for (const [name, flag] of Object.entries(data.flags))
    $("help-flags").append(make("dt", {}, `${name} (${flag.doubt ? "doubt" : "remark"})`), make("dd", {}, `${flag.meaning}.`));
  choices("f-sensor", pairs.map((pair) => pair.sensor));
  choices("f-pass", pairs.map((pair) => pair.pass));
  flagButtons();
  $("filter").addEventListener("input", filter);
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("filter").addEventListener("reset", () => {
    for (const button of $("f-flags").children) button.westseaReset();
    setTimeout(filter);
  });
  $("list").append(...pairs.map(makeRow), make("p", { class: "empty", id: "nothing", hidden: true }, pairs.length ? "No pair passes these filters." : "No pair was found."));
  if (canMap()) mainMap();
  filter();
  tell();
  const wanted = decodeURIComponent((location.hash.match(/pair=([^&]*)/) || [])[1] || "");
  const start = pairs.find((pair) => pair.id === wanted) || pairs[0];
  if (start) select(start, { quietly: true });
  else $("detail").append(make("p", { class: "empty" }, "No pair was found. The second page says what was looked at."));
  document.body.dataset.ready = "yes";
})();
