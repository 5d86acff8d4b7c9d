"use strict";
/* How many pairs are judged, and how many of those true. */
const tally = (() => {
  const EDGES = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0001];

  function bins() {
    const rows = EDGES.slice(0, -1).map((low, k) => {
      const count = { true: 0, false: 0, unsure: 0 };
      for (const pair of pairs) {
        const said = verdicts.of(pair);
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

  function show() {
    const judged = pairs.filter(verdicts.of).length;
    $("progress").textContent = `${judged} of ${pairs.length} judged` +
      (verdicts.areStored() ? "" : " · this browser keeps nothing: export before you close");
    bins();
  }

  return { show };
})();
