"use strict";
/* The list: a row of each pair, by score. */
const list = (() => {
  const rows = new Map();
  const lazily = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      entry.target.src = entry.target.westseaUri;
      lazily.unobserve(entry.target);
    }
  }, { root: null, rootMargin: "200px" });

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
    const row = make("div", { class: "row", role: "option", id: `row-${n}`, "aria-selected": "false", onclick: () => selection.select(pair) },
      thumb,
      make("div", { class: "head" }, make("span", { class: kindClass(pair) }, pair.kind), " ", make("span", { class: "gap" }, gapText(pair))),
      make("div", { class: "score", title: "score" }, pair.score > 0.995 ? ">.99" : pair.score.toFixed(2)),
      make("div", { class: "sub" }, make("span", { class: "mark" }), sub));
    rows.set(pair, row);
    refresh(pair);
    return row;
  }

  function fill() {
    $("list").append(...pairs.map(makeRow), make("p", { class: "empty", id: "nothing", hidden: true }, pairs.length ? "No pair passes these filters." : "No pair was found."));
  }

  function refresh(pair) {
    const mark = rows.get(pair).querySelector(".mark");
    const said = verdicts.of(pair);
    mark.textContent = said ? { true: "✓ true · ", false: "✗ false · ", unsure: "? unsure · " }[said.verdict] : "";
    mark.className = said ? `mark v-${said.verdict}` : "mark";
  }

  function narrow() {
    for (const pair of pairs) rows.get(pair).hidden = !selection.shows(pair);
    const n = selection.shown.length;
    $("shown").textContent = n === pairs.length ? `${n} pairs` : `${n} of ${pairs.length} pairs`;
    $("nothing").hidden = n > 0;
  }

  function move(pair, before) {
    if (before) rows.get(before).setAttribute("aria-selected", "false");
    const row = rows.get(pair);
    row.setAttribute("aria-selected", "true");
    const box = $("list");
    box.setAttribute("aria-activedescendant", row.id);
    const top = row.offsetTop - box.offsetTop;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top + row.offsetHeight - box.clientHeight;
  }

  return { fill, refresh, narrow, move };
})();
