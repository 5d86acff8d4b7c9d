"use strict";
/* The pair in the middle: chips, verdict, tables. */
const detail = (() => {
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

  const bullets = (lines) => make("ul", { class: "plainlist" }, lines.map((line) => make("li", {}, line)));

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
        block("Why it scores so", bullets(pair.why)),
        block("What would settle it", bullets(pair.settle))),
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
    const button = (verdict, key) => make("button", { type: "button", class: `v-${verdict}`, "data-verdict": verdict, "aria-pressed": "false", title: data.verdicts[verdict], onclick: () => verdicts.judge(pair, verdict) },
      `${{ true: "✓ True", false: "✗ False", unsure: "? Unsure" }[verdict]} `, make("kbd", { "aria-hidden": "true" }, key));
    const reason = make("select", { id: "reason", "aria-label": "Reason", onchange: (event) => verdicts.amend(pair, "reason", event.target.value) },
      make("option", { value: "" }, "reason…"),
      Object.entries(data.reasons).map(([name, meaning]) => make("option", { value: name, title: meaning }, name.replaceAll("_", " "))));
    const note = make("input", { id: "note", type: "text", maxlength: 2000, placeholder: "note", "aria-label": "Note", onchange: (event) => verdicts.amend(pair, "note", event.target.value.trim()) });
    const label = pair.label;
    const earlier = label ? make("p", { class: "said" }, `In the tables: ${label.verdict}${label.reason ? `, ${label.reason.replaceAll("_", " ")}` : ""}, by ${label.reviewer}, ${label.time.slice(0, 16).replace("T", " ")} UTC${label.note ? `: ${label.note}` : ""}`) : null;
    $("judge").replaceChildren(button("true", "t"), button("false", "f"), button("unsure", "u"), reason, note, ...(earlier ? [earlier] : []));
    refresh(pair);
  }

  /* In place, so that whoever is at one of the buttons or fields stays there. */
  function refresh(pair) {
    const said = verdicts.of(pair) || {};
    for (const each of $("judge").querySelectorAll("[data-verdict]"))
      each.setAttribute("aria-pressed", String(said.verdict === each.dataset.verdict));
    $("reason").value = said.reason || "";
    $("note").value = said.note || "";
  }

  const toggleOutlines = () => $("detail").classList.toggle("no-outlines");

  return { show, refresh, toggleOutlines };
})();
